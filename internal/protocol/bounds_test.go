package protocol_test

import "testing"

// What one answer says: the store's clock lay between its bounds, a margin
// more on each side, and the time that the call took on top of the latest.
func TestBoundsOfOneAnswer(t *testing.T) {
	run(t, `
		margin 500ms
		bounds                      -> unknown
		answer nothing              # no Date header
		bounds                      -> unknown
		answer 12s..11s             # cannot be
		bounds                      -> unknown
		answer 10s..11s in 2s       -> later
		bounds                      -> 9.5s..13.5012s
	`)
}

// Between answers the interval goes on with the local clocks, and grows by
// 600 ppm on each side.
func TestBoundsDrift(t *testing.T) {
	run(t, `
		answer 10s..10s    -> later
		bounds             -> 10s..10s
		pass 100s
		bounds             -> 1m49.94s..1m50.06s
		pass 400s
		bounds             -> 8m29.7s..8m30.3s
		pass 100s
		bounds             -> 10m9.64s..10m10.36s
		pass 1ms           # older than 10 minutes: no longer good for ending a lease
		bounds             -> 10m9.641s..10m10.361s stale
	`)
}

// A new answer and what was known are both true, so that the truth lies in
// both: with whole seconds, the bounds get narrow where an answer comes just
// before or after a second begins.
func TestBoundsIntersect(t *testing.T) {
	run(t, `
		answer 10s..11s     -> later
		pass 500ms
		answer 10s..11s     # it was not yet 11
		bounds              -> 10.4997s..11s
		pass 100ms
		answer 11s..12s     # and now it is 11
		bounds              -> 11s..11.1001s
	`)
}

// latest only ever goes up by what passes, so that a belief that was right
// stays right. An answer that moves it up says so.
func TestBoundsTellWhenLatestMovesUp(t *testing.T) {
	run(t, `
		answer 10s..11s     -> later
		answer 10s..11s
		answer 10s..12s
		answer 5s..6s                       # contradicts: the former latest stays possible
		answer 20s..21s     -> later
	`)
}

// Two answers that cannot both be true leave both possible for 30 s; then the
// newer one counts alone.
func TestBoundsHull(t *testing.T) {
	run(t, `
		answer 10s..11s     -> later
		answer 20s..21s     -> later
		bounds              -> 10s..21s
		pass 10s
		bounds              -> 19.994s..31.006s
		pass 20s
		bounds              -> 49.982s..51.018s
	`)
	run(t, `
		answer 20s..21s     -> later
		answer 10s..11s
		bounds              -> 10s..21s
		pass 10s
		answer 20s..21s                     # agrees with the newer one, and the hull stays
		bounds              -> 20s..31.006s
		pass 20s
		bounds              -> 39.988s..41.012s
	`)
}

// A third answer that contradicts the second within the 30 s forgets neither.
func TestBoundsHullOfThree(t *testing.T) {
	run(t, `
		answer 10s..11s     -> later
		answer 20s..21s     -> later
		pass 5s
		answer 40s..41s     -> later
		bounds              -> 14.997s..41s
		pass 5s
		answer 1s..2s
		bounds              -> 1s..46.003s
		pass 30s
		bounds              -> 30.982s..32.018s
	`)
}

// While a machine sleeps its monotonic clock stands still: latest goes by the
// wall clock then, and earliest by the slower of the two.
func TestBoundsSuspended(t *testing.T) {
	run(t, `
		answer 10s..10s     -> later
		suspend 100s
		bounds              -> 10s..1m50.06s
		answer 110s..110s                   # awake, and it was a sleep indeed
		bounds              -> 1m50s..1m50s
	`)
	run(t, `
		answer 10s..10s     -> later
		suspend 11m
		bounds              -> 10s..11m10.396s stale
	`)
}

// A wall clock that is set forward can only make latest too late; one that is
// set back can only make earliest too early. Neither can bring them closer.
func TestBoundsWallJumps(t *testing.T) {
	run(t, `
		answer 10s..10s     -> later
		jump 1h
		bounds              -> 10s..1h0m12.16s stale
		answer 10s..10s
		bounds              -> 10s..10s
		jump -2h
		bounds              -> -1h59m54.32s..10s
		pass 100s
		bounds              -> -1h58m14.26s..1m50.06s
	`)
	run(t, `
		answer 10s..10s     -> later
		stand 100s          # a wall clock that stands
		bounds              -> 10s..1m50.06s
	`)
}

// The time that a call took counts by the clock that saw more of it, also when
// the machine slept in the middle.
func TestBoundsLateAnswer(t *testing.T) {
	run(t, `
		answer 10s..10s in 100s -> later
		bounds                  -> 10s..1m50.06s
		answer 110s..110s
		bounds                  -> 1m50s..1m50s
		answer 110s..110s in 5s             # stamped at the start of the call, and known to be later
		bounds                  -> 1m54.997s..1m55.003s
	`)
}
