// Package memstore keeps lock records in memory: the exact reference that
// other stores are measured against, and a table for tests.
//
// One [Store] is one table. Clients that compete for its locks share it; when
// the process ends, it is gone. Its time is exact and read from time.Now, so
// that inside a testing/synctest bubble it follows the bubble's fake clock.
// It starts no goroutine and needs no closing.
package memstore
