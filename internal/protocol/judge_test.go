package protocol_test

import (
	"testing"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// By the store's clock a lease has ended once the earliest that it can show is
// past the end: known at first sight, with one read.
func TestJudgeByClock(t *testing.T) {
	run(t, `
		answer 19s..20s         -> later
		see owner=a nonce=A token=7 seq=3 lease=1h until=30s -> changed
		judge                   -> held
		takeable                -> 11.0076s         # past the drift until then
		pass 9995ms
		judge                   -> unknown yet      # 28.989 .. 30.001
		pass 1100ms
		judge                   -> lapsed           # 30.0886 .. 31.1
		takeable                -> 0s
	`)
	run(t, `
		answer 60s..61s         -> later
		see owner=a nonce=A token=7 seq=3 lease=10s until=30s -> changed
		judge                   -> lapsed
		takeable                -> 0s
	`)
}

// Bounds older than 10 minutes end nobody's lease: a look is needed first.
func TestJudgeByStaleClock(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		pass 601s
		see owner=a nonce=A token=7 seq=3 lease=10s until=30s -> changed
		judge                   -> unknown yet
		answer 601s..601s
		judge                   -> lapsed
	`)
}

// By observation, the same state has to be seen for a lease and twice the
// drift. Any write of the tenure starts that anew.
func TestJudgeByObservation(t *testing.T) {
	run(t, `
		blind
		see owner=a nonce=A token=7 seq=3 lease=10s until=10s -> changed
		judge                   -> unknown yet
		takeable                -> 10.012s
		pass 10s
		see owner=a nonce=A token=7 seq=3 lease=10s until=10s
		judge                   -> unknown yet
		takeable                -> 12ms
		pass 12ms
		judge                   -> lapsed
		see owner=a nonce=A token=7 seq=4 lease=10s until=20s -> changed
		judge                   -> unknown yet
		takeable                -> 10.012s
		pass 5s
		see owner=b nonce=B token=8 seq=4 lease=10s until=20s -> changed
		takeable                -> 10.012s
		pass 5s
		see owner=b nonce=B token=8 seq=4 lease=20s until=20s -> changed
		takeable                -> 20.024s
		see none                -> changed
		judge                   -> released
		see none
	`)
}

// It counts by the monotonic clock: a sleeping observer has not observed.
func TestJudgeSleepingObserver(t *testing.T) {
	run(t, `
		blind
		see owner=a nonce=A token=7 seq=3 lease=10s -> changed
		suspend 1h
		judge                   -> unknown yet
		takeable                -> 10.012s
		jump 1h
		takeable                -> 10.012s
		stand 10012ms
		judge                   -> lapsed
	`)
}

// Whichever of the two is sooner.
func TestTakeableByTheSooner(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		see nonce=A seq=3 lease=1h until=10s -> changed
		takeable                -> 10.007s          # the clock, past the drift until then
		see nonce=A seq=4 lease=10s until=1h -> changed
		takeable                -> 10.012s          # the observation
		see nonce=A seq=5 lease=10s -> changed
		takeable                -> 10.012s          # a releaser without bounds left no end
	`)
}

// What nothing ends is held, whatever the time.
func TestJudgeWithoutEnd(t *testing.T) {
	for _, record := range []string{
		"owner=a nonce=A token=7 seq=3",               // no lease
		"owner=a", "owner=a ttl=5s", "owner=a delete", // early versions
	} {
		run(t, `
			answer 0s..0s       -> later
			see `+record+`      -> changed
			pass 9m
			answer 540s..540s
			judge               -> held
			takeable            -> forever
		`)
	}
	run(t, `
		answer 0s..0s           -> later
		see nonce=A seq=3 session=s -> changed
		pass 9m
		judge                   -> unknown yet      # its session's record tells
		takeable                -> forever
	`)
}

func TestJudgeFree(t *testing.T) {
	for _, record := range []string{"none", "owner=a released", "nonce=A seq=3 released lease=10s until=10s"} {
		s := &script{record: parse(record)}
		if got := protocol.Judge(s.record, &s.seen, nil, s.now); got != protocol.Free {
			t.Errorf("%s: %q", record, got)
		}
		if left := protocol.Takeable(s.record, &s.seen, nil, s.now); left != 0 {
			t.Errorf("%s: %v", record, left)
		}
	}
}

// What HoldAtLeast left is a lease like any other, though nobody has it.
func TestJudgeHoldOnly(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		see owner=a nonce=E seq=1 lease=30s until=30s hold=30s ended -> changed
		judge                   -> held
		pass 31s
		judge                   -> lapsed
	`)
}
