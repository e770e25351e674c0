// The examples of those pages that have no folder of their own.
package pages_test

import (
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/storetest"
	"github.com/kmdeveloping/dynalock/memstore"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(t *testing.T) (a, b lockstore.Store) {
			table := newTable(t)
			return open(t, table), open(t, table) // two handles on one table
		},
		HasTime: true, // its answers say what time it is there
	})
}

func newTable(*testing.T) *memstore.Store { return memstore.New() }

func open(_ *testing.T, table *memstore.Store) lockstore.Store { return table }
