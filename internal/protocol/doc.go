// Package protocol decides what a client sends and what it believes.
//
// Everything here is a function of records and times that are handed in: no
// context, goroutine, clock, randomness or I/O. So each rule of
// docs/protocol.md has one place that can be read, and tested by a script of
// moments and records; see testdata-free examples in script_test.go.
//
// The files are the parts of the protocol: [Bounds] (the store's clock),
// [Belief] (how long a holder may believe), [Observation] and [Judge] (when a
// waiter may take over), the steps (the one conditional write that makes each
// step), and what an answer means ([Attempts], [WhyLost]).
package protocol
