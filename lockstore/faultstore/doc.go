// Package faultstore wraps any lock store and makes its faults, by script or
// by seed: lost answers, late and repeated requests, delays, throttling, stale
// reads, wrong clocks, outages.
//
//	fs := faultstore.New(memstore.New())
//	defer fs.Close()
//	lost := fs.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.ApplyCut())
//	// ... a client on fs renews ...
//	<-lost.Done()
//
// Tests need no sleeps: a [Rule] tells when it has fired, a [Gate] blocks a
// request at an exact point until the test opens it, and all waiting is done
// with package time, so that in a testing/synctest bubble it costs nothing
// (make the Store inside the bubble then).
//
// # Which fault a request meets
//
// Rules are looked at in the order in which they were made. The first one that
// matches takes the request; the later ones neither see nor count it, so that
// a script of rules is read from top to bottom: one rule for the first write,
// the next for the second. Faults that only change an answer ([Skew],
// [NoTime], [StaleReads], [StaleSince]) do not take it: they come on top, any
// number of them. To make one request meet several faults, [Chain] them.
// A request that no rule takes may meet one from [Store.Seed]. [Store.Down]
// goes before everything.
//
// A call whose context has ended already is never sent and meets no fault.
//
// # What a caller learns
//
// Faults answer with a [*lockstore.Error] whose cause is [ErrInjected], or the
// error of the caller's context where that ended first. Its Unknown says what
// an honest store could know, not what really happened; the latter is in
// [Store.Log].
package faultstore
