// Package clocktest has the clocks of a machine where time is fake, for tests in
// a testing/synctest bubble.
package clocktest
