package protocol_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// Each place in the queue has a claim window of its own, after the lease's end;
// whoever is not in it comes after all of them.
func TestTurnByClock(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		see owner=a nonce=A token=7 seq=3 lease=1h until=10s queue=[P Q] -> changed
		turn 0                  -> 10.007s          # past the drift until then
		turn 1                  -> 13.0088s
		turn 2                  -> 16.0106s
		pass 10007ms
		turn 0                  -> 0s
		turn 1                  -> 3.0018s          # 13.0088 - 10.007, and nothing is lost to rounding
		pass 3s
		turn 1                  -> 1.8ms
		pass 1800us
		turn 0                  -> 0s
		turn 1                  -> 0s
		turn 2                  -> 3.0018s
		pass 3002ms
		turn 2                  -> 0s
	`)
}

// The earliest that the store's clock can show has to be past it.
func TestTurnByAWideClock(t *testing.T) {
	run(t, `
		answer 0s..2s           -> later
		see owner=a nonce=A token=7 seq=3 lease=1h until=10s queue=[P] -> changed
		pass 12s
		turn 0                  -> 0s               # it shows 11.9928 .. 14.0072
		turn 1                  -> 1.0088s
		answer 13s..14s
		turn 1                  -> 1ms
	`)
}

// By observation: the lease and twice the drift, then the windows.
func TestTurnByObservation(t *testing.T) {
	run(t, `
		blind
		answer 0s..0s           -> later
		see owner=a nonce=A token=7 seq=3 lease=10s until=10s queue=[P Q] -> changed
		turn 0                  -> 10.012s
		turn 1                  -> 13.036s
		turn 2                  -> 16.06s
		pass 13011ms
		see owner=a nonce=A token=7 seq=3 lease=10s until=10s queue=[Q]    # one left: nothing of the tenure changed
		turn 0                  -> 0s
		turn 1                  -> 25ms
		suspend 1h
		turn 1                  -> 25ms
		pass 1ms
		turn 1                  -> 24ms
		see owner=a nonce=A token=7 seq=4 lease=10s until=20s queue=[Q]    -> changed
		turn 0                  -> 10.012s
	`)
}

// A grant whose releaser knew no time has a lease and no end.
func TestTurnWithoutAnEnd(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		see owner=b nonce=P token=8 seq=4 lease=3s queue=[Q] -> changed
		turn 0                  -> 3.0036s
		turn 1                  -> 6.0108s
		pass 3603us
		pass 3s
		turn 0                  -> 0s
		turn 1                  -> 3.0072s
	`)
}

// The sooner of the two, each with its windows.
func TestTurnByTheSooner(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		see nonce=A seq=3 lease=10s until=1h queue=[P] -> changed
		turn 1                  -> 13.036s          # observation
		see nonce=A seq=4 lease=1h until=10s queue=[P] -> changed
		turn 1                  -> 13.0088s         # clock
	`)
	run(t, `
		answer 0s..0s           -> later
		pass 601s
		see nonce=A seq=3 lease=10s until=30s queue=[P] -> changed
		turn 0                  -> 10.012s          # those bounds are too old to end a lease by
		turn 1                  -> 13.036s
		answer 601s..601s
		turn 1                  -> 0s
	`)
}

// What no time ends is nobody's turn, at whatever place.
func TestTurnNever(t *testing.T) {
	for _, record := range []string{
		"owner=a nonce=A token=7 seq=3 queue=[P]", "owner=a nonce=A seq=3 lease=10s session=s queue=[P]",
		"owner=a nonce=A seq=3 lease=10s until=1s session=s queue=[P]", "owner=a", "owner=a lease=10s until=1s",
	} {
		run(t, `
			answer 0s..0s       -> later
			see `+record+`      -> changed
			pass 5m
			turn 0              -> forever
			turn 1              -> forever
			blind
			turn 0              -> forever
		`)
	}
}

// What HoldAtLeast left ends like any lease, and then the head has its turn.
func TestTurnOfAnEndedTenure(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		see owner=a nonce=E seq=1 lease=30s until=20s hold=20s ended queue=[P] -> changed
		turn 0                  -> 20.013s
		turn 1                  -> 23.0148s
		blind
		turn 0                  -> 30.036s
		turn 1                  -> 33.108s
	`)
}

// At a free lock whose queue something else left, the head waits a window from
// when that was first seen.
func TestTurnAtAFreeLock(t *testing.T) {
	run(t, `
		answer 0s..0s           -> later
		see owner=a nonce=A seq=3 lease=10s until=10s queue=[P Q] -> changed
		see owner=a nonce=A seq=3 released queue=[P Q] -> changed
		turn 0                  -> 3s
		turn 1                  -> 6s
		turn 2                  -> 9s
		pass 3s
		turn 0                  -> 0s
		turn 1                  -> 3s
	`)
}

// Whoever looks at the same moment as the one before it, and has a clock that is
// as fast as that one's is slow, leaves it its window, less what is not known of
// the store's clock, and less the drift over the lease.
func TestTurnsFollowEachOther(t *testing.T) {
	now := protocol.Moment{Wall: start}
	for _, lease := range []time.Duration{3 * time.Second, 20 * time.Second, 10 * time.Minute} {
		for _, width := range []time.Duration{0, time.Second, 2 * time.Second} {
			r := parse("nonce=A seq=3 queue=[P0 P1 P2]")
			r.Lease, r.Expires = lease, at(lease)
			var seen protocol.Observation
			seen.See(r, now)
			late, right := knowing(now, -width, 1), knowing(now, 0, 1) // at 0, of which one knows less
			for place := range 3 {
				for by, bounds := range map[string][2]*protocol.Bounds{"clock": {late, right}, "observation": {}} {
					slow := float64(protocol.Turn(r, place, &seen, bounds[0], now)) * (1 + protocol.Drift)
					fast := float64(protocol.Turn(r, place+1, &seen, bounds[1], now)) * (1 - protocol.Drift)
					want := float64(protocol.ClaimWindow) - 3*protocol.Drift*float64(lease+4*protocol.ClaimWindow)
					if bounds[0] != nil {
						want -= float64(width)
					}
					if fast-slow < want {
						t.Errorf("lease %v, width %v, by %s: place %d has %v before the next", lease, width, by, place, time.Duration(fast-slow))
					}
				}
			}
		}
	}
}
