// Package sim is a simulator of many clients on one table. It has no code but
// tests: see [the list of what it does] in docs/bugs.md, and run it by make sim.
//
// A history is one table in memory, a few processes with the real client code,
// and what happens to them in a minute or two of fake time (testing/synctest).
// One seed decides everything: what the users of the locks do, how long each
// request and answer travels, which are lost, late or repeated, which reads are
// stale, when the store is away, which process is frozen, suspended, crashed or
// started again, how its two clocks drift and jump, what is deleted by hand and
// what an operator forces.
//
// The oracle sees every write at the table at the true time, and asks all
// handles whether they believe that they hold.
//
// [the list of what it does]: https://github.com/kmdeveloping/dynalock/blob/main/docs/bugs.md
package sim
