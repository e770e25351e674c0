// Package history is what the processes of a chaos run write down, and what is
// concluded from it.
//
// Each process appends [Event] lines to a file of its own, at once, so that
// killing it loses no line. Their times are of the clock that all processes of
// the machine share ([Now]).
//
// # What proves a belief
//
// A belief never comes back. So an answer true of Held, asked for after the
// clock was read as c, proves that the handle also believed at c, and at every
// moment since an earlier such c, whether or not its process stood still
// afterwards. Nothing is concluded about the time after the last such reading.
// Two such intervals of different tenures that have a moment in common are an
// overlap, without any tolerance.
//
// Deadline is a promise on top: until then the lock is held even if the
// process dies at once. Nobody may begin a tenure before the latest promise of the former
// has ended, unless that was given up: released, shortened, its client closed,
// or ended by its owner's name.
//
// # What is checked
//
// For each key: overlaps, broken promises, the order of tokens, and by
// porcupine that all calls with their answers fit one order of steps of the
// [model] (acquire, end, resume, release by key; and renewals, refusals and
// proofs of belief as reads). For the whole run: every takeover and every loss
// has a cause that the log shows, and no update of a fenced register is lost.
//
// [model]: https://github.com/kmdeveloping/dynalock/blob/main/chaos/history/model.go
package history
