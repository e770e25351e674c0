// Package dynalocktest gives the tests of programs that use dynalock a table in
// memory, and what can happen to a lock at a word: it is taken over, forced,
// removed, its lease ends, the store goes away.
//
//	table := dynalocktest.New(t)
//	client := table.Client()
//	... the program under test takes "leader" ...
//	table.TakeOver("leader", "somebody else")
//
// It runs inside testing/synctest bubbles, where time is the test's: a lease of
// 20 s ends in no time. For tests of several processes use a store of its own on
// disk instead.
package dynalocktest
