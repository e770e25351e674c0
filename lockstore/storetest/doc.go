// Package storetest is the conformance suite of lock stores: what
// [lockstore.Store] says in words, as tests that any store runs.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Harness{
//			Open: func(t *testing.T) (a, b lockstore.Store) { ... },
//		})
//	}
//
// The suite sees a store only through its interface, and every record in it is
// made by writes. What it compares with is the meaning that lockstore itself
// gives to conditions and changes.
package storetest
