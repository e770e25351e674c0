package protocol_test

import "testing"

// A holder believes for the lease that he was confirmed, from before he asked
// for it, and not a moment longer.
func TestBeliefOfALease(t *testing.T) {
	run(t, `
		write 10s
		left        -> 10s          # nothing is known of the store's clock: the local ones count
		pass 4s
		left        -> 6s
		pass 6s
		left        -> 0s
		pass 1s
		left        -> -1s
	`)
}

// As soon as the store's clock is known, it counts too, and may run faster
// than the local ones.
func TestBeliefByTheStoresClock(t *testing.T) {
	run(t, `
		answer 0s..0s       -> later
		write 10s                   # until 10s
		left                -> 9.994s
		pass 5s
		left                -> 4.994s
		pass 4994ms
		left                -> 0s
	`)
	run(t, `
		answer 0s..1s       -> later
		write 10s                   # until 11s: from the latest
		left                -> 9.994s
		answer 0s..0s               # it was early in that second
		left                -> 10s  # the local clocks still say 10 s
	`)
}

// The wall clock ends a belief that was slept through, the monotonic one a
// belief whose wall clock was set back.
func TestBeliefByTheFurthestClock(t *testing.T) {
	run(t, `
		write 10s
		suspend 9s
		left        -> 1s
		suspend 1s
		left        -> 0s
	`)
	run(t, `
		write 10s
		stand 9s
		left        -> 1s
		jump -1h
		left        -> 1s
		pass 1s
		left        -> 0s
	`)
	run(t, `
		write 10s
		jump 1h
		left        -> -59m50s      # rather too early than too late
	`)
}

// A local clock that was wrong when the promise was made shows at the first
// answer: what was written ends the belief.
func TestBeliefOfAWrongLocalClock(t *testing.T) {
	run(t, `
		jump -1h                    # the machine thinks that it is 23:00
		write 10s
		left            -> 10s
		answer 0s..0s   -> later
		left            -> -59m52.154s
	`)
	run(t, `
		jump 1h                     # or 01:00: the lease in the store is longer
		write 10s
		answer 0s..0s   -> later
		left            -> 10s
	`)
}

// Where the store tells its time only to a second and with a margin, the first
// answer may show a clock that is ahead by both. What was written before it is
// later by as much, so that a belief does not end before it has begun.
func TestBeliefOfAFirstRequest(t *testing.T) {
	run(t, `
		margin 500ms
		write 1s                    # until 3s: nothing is known yet
		left            -> 1s
		answer 0s..1s   -> later    # the clock may show 1.5 s
		left            -> 1s
		write 1s                    # until 2.5s
		left            -> 999.4ms
		pass 500ms
		left            -> 499.4ms
	`)
}

// An answer that shows a later clock shortens a belief, an earlier one does
// not bring back what the local clocks have used up.
func TestBeliefAndContradictions(t *testing.T) {
	run(t, `
		answer 0s..0s       -> later
		write 10s
		pass 1s
		answer 8s..8s       -> later
		left                -> 1.9988s
		pass 1s
		answer 2s..2s               # both possible for 30 s: the later one counts
		left                -> 998.8ms
	`)
}

func TestBeliefWithoutEnd(t *testing.T) {
	run(t, `
		answer 0s..0s       -> later
		write 0s
		pass 100000h
		left                -> forever
	`)
}
