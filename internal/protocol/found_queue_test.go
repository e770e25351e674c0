package protocol_test

import (
	"math"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// What a review of the queue found; each failed before it was mended.

// Turn counts the windows of the places behind the head from now, not from when
// the free lock was first seen, so that their turn never comes: a head that is
// gone keeps the lock from all others for ever, a single try included.
func TestFoundTurnAtAFreeLockComes(t *testing.T) {
	run(t, `
		see owner=a nonce=A token=7 seq=3 lease=10s queue=[P Q] -> changed
		see owner=a nonce=A token=7 seq=3 released queue=[P Q] -> changed
		pass 3s
		turn 0                  -> 0s
		turn 1                  -> 3s
		pass 3s
		turn 1                  -> 0s
		turn 2                  -> 3s
		pass 3s
		turn 2                  -> 0s
	`)
}

// An Observation does not note a free lock: seen first of all, it counts from the
// start of the monotonic clock; seen after no record, or after another tenure's
// free lock, from then.
func TestFoundFirstSightOfAFreeLock(t *testing.T) {
	run(t, `
		see owner=a nonce=A token=7 seq=3 released queue=[P Q] -> changed
		turn 0                  -> 3s
	`)
	run(t, `
		see nonce=A seq=3 lease=10s -> changed
		see none                -> changed
		pass 1h
		see owner=a nonce=A token=7 seq=3 released queue=[P Q] -> changed
		turn 0                  -> 3s
		pass 1h
		see owner=a nonce=B token=8 seq=3 released queue=[P Q] -> changed
		turn 0                  -> 3s
	`)
}

// An end more than 292 years away (a machine whose wall clock is far ahead wrote
// it before it knew the store's, or something else did): the difference is as long
// as a Duration can be, the drift on top of it overflows, and it is everybody's
// turn. TakeOverQueued has no ExpiredBefore, so a held lock is taken.
func TestFoundTurnOfAFarEnd(t *testing.T) {
	now := protocol.Moment{Wall: start}
	r := &lockstore.Record{Nonce: "A", Seq: 3, Lease: time.Hour, Expires: time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)}
	var seen protocol.Observation
	seen.See(r, now)
	bounds := knowing(now, 0, 1)
	if left := protocol.Takeable(r, &seen, bounds, now); left <= 0 {
		t.Error("takeable:", left)
	}
	for place := range 2 {
		if left := protocol.Turn(r, place, &seen, bounds, now); left <= 0 {
			t.Errorf("turn of %d: %v", place, left)
		}
	}
	if state := protocol.Judge(r, &seen, bounds, now); state != protocol.Held {
		t.Error(state)
	}
}

// The longest lease that a store can show (dynamostore takes up to MaxInt64 ns)
// overflows when twice the drift is added, and has lapsed at first sight. So
// does a shorter one once the windows of a place are added.
func TestFoundLeftOfALongLease(t *testing.T) {
	now := protocol.Moment{Wall: start}
	most := time.Duration(math.MaxInt64).Truncate(time.Millisecond)
	for _, lease := range []time.Duration{most, most - most/1000} {
		r := &lockstore.Record{Nonce: "A", Seq: 3, Lease: lease}
		var seen protocol.Observation
		seen.See(r, now)
		if state := protocol.Judge(r, &seen, nil, now); state == protocol.Lapsed {
			t.Errorf("lease %v: %s at first sight", lease, state)
		}
		if left := protocol.Turn(r, 2, &seen, nil, now); left <= 0 {
			t.Errorf("lease %v: it is the turn of 2", lease)
		}
	}
}

// A lock that something else released while others waited had been released: its
// holder is told that it was taken over.
func TestFoundReleasedAndTakenByTheQueue(t *testing.T) {
	r := parse("owner=a nonce=A token=7 seq=3 released queue=[P] last=A/released/a")
	after, err := protocol.TakeOverQueued(r, 0, mine(), 1, start).Apply(r)
	if err != nil {
		t.Fatal(err)
	}
	if why, _ := protocol.WhyLost("A", after); why != protocol.LossReleased {
		t.Errorf("%q", why)
	}
}

// Force on what HoldAtLeast left forgets how the tenure before it ended: its
// holder, who released it and asks again, is told that it was taken over.
func TestFoundForceOfAnEndedTenure(t *testing.T) {
	now := protocol.Moment{Wall: start}
	r := parse("owner=a nonce=E token=7 seq=1 lease=30s until=30s hold=30s ended queue=[P/b] last=A/released/a")
	after, err := protocol.Force(r, "op", now, knowing(now, 0, 1)).Apply(r)
	if err != nil {
		t.Fatal(err)
	}
	if why, _ := protocol.WhyLost("A", after); why != protocol.LossReleased {
		t.Errorf("%q", why)
	}
}

// Under ObserveOnly nobody's safety may rest on the store's clock, since it is
// chosen where that is not to be trusted. The end of a grant was written by it:
// whoever observes only (bounds nil) claims first.
func TestFoundGrantUnderObserveOnly(t *testing.T) {
	now := protocol.Moment{Wall: start}
	claim := protocol.Claim(now, knowing(now, 20*time.Second, 20*time.Second))
	r := &lockstore.Record{Owner: "b", Nonce: "P", Token: 8, Seq: 4, Lease: claim.Lease, Expires: claim.Expires}
	if belief, ok := protocol.Granted(r, later(now, time.Second, time.Second), nil); ok {
		t.Errorf("believed without a claim: %+v", belief)
	}
}

// What the rest of the package takes as "the store's clock is not to be used".
func TestFoundClaimWithoutBounds(t *testing.T) {
	defer func() {
		if p := recover(); p != nil {
			t.Error(p)
		}
	}()
	if p := protocol.Claim(protocol.Moment{Wall: start}, nil); p != (protocol.Promise{Lease: protocol.ClaimWindow}) {
		t.Errorf("%+v", p)
	}
}

// A grant without an end may not be believed from when it was read: whoever
// observes it began before. Nothing but the caller sees to that. Nor is there a
// lease of none.
func TestFoundGrantWithoutAnEnd(t *testing.T) {
	now := protocol.Moment{Wall: start}
	for _, record := range []string{"owner=b nonce=P token=8 seq=4 lease=3s", "owner=b nonce=P token=8 seq=4"} {
		if belief, ok := protocol.Granted(parse(record), now, knowing(now, 0, 1)); ok {
			t.Errorf("%s: believed: %+v", record, belief)
		}
	}
}

// Where Place says -1, Turn is a window early and TakeOverQueued overtakes the
// queue, whatever it is, and keeps it.
func TestFoundNoPlace(t *testing.T) {
	now := protocol.Moment{Wall: start}
	r := parse("owner=a nonce=A token=7 seq=3 lease=10s until=2s queue=[P]")
	var seen protocol.Observation
	seen.See(r, now)
	if left := protocol.Turn(r, -1, &seen, knowing(now, 0, 1), now); left < 2*time.Second {
		t.Error("before the end of the lease:", left)
	}
	if ok, _ := protocol.TakeOverQueued(r, -1, mine(), 1, start).If.Holds(parse("nonce=A token=7 seq=3 lease=10s until=2s queue=[P Q]")); ok {
		t.Error("overtook a queue that nobody saw")
	}
}

// Turn alone of its family does not take a key without a record.
func TestFoundTurnWithoutARecord(t *testing.T) {
	defer func() {
		if p := recover(); p != nil {
			t.Error(p)
		}
	}()
	var seen protocol.Observation
	if left := protocol.Turn(nil, 0, &seen, nil, protocol.Moment{Wall: start}); left != 0 {
		t.Error(left)
	}
}

// A queue that is longer than any that dynalock makes (something else wrote it, and
// stores read it) can be taken over from no place: the write is an error.
func TestFoundQueueBeyondTheMost(t *testing.T) {
	r := parse("owner=a nonce=A token=7 seq=3 lease=10s until=90s " + queueOf(lockstore.MaxQueue+1))
	if _, err := protocol.TakeOverQueued(r, len(r.Queue), mine(), 1, start).Apply(r); err != nil {
		t.Error(err)
	}
}

// A released record without a nonce and with a queue: it is everybody's turn, and
// no takeover's condition ever holds (NonceIs("") does not).
func TestFoundLegacyReleasedWithAQueue(t *testing.T) {
	r := parse("owner=a released queue=[P]")
	var seen protocol.Observation
	if protocol.Turn(r, 0, &seen, nil, protocol.Moment{Mono: time.Hour, Wall: start}) > 0 {
		return // or it is nobody's turn
	}
	if ok, err := protocol.TakeOverQueued(r, 0, mine(), 1, start).If.Holds(r); !ok || err != nil {
		t.Error(ok, err)
	}
}

// By observation the places differ by the windows alone, while two clocks may
// differ by 1200 ppm of the lease: with one of 30 days, the default of a durable
// lock, by 52 minutes. The place behind has its turn before, drops the one before
// it from the queue, and that one has to join anew, at the end.
func TestFoundPlacesOverlapByDrift(t *testing.T) {
	now := protocol.Moment{Wall: start}
	r := parse("nonce=A seq=3 lease=720h queue=[P Q]")
	var seen protocol.Observation
	seen.See(r, now)
	slow := float64(protocol.Turn(r, 0, &seen, nil, now)) * (1 + protocol.Drift)
	fast := float64(protocol.Turn(r, 1, &seen, nil, now)) * (1 - protocol.Drift)
	if fast < slow {
		t.Errorf("place 1 is %v before place 0", time.Duration(slow-fast))
	}
}

// A takeover or a resumption that is carried out again, on a state that a late
// copy of an acquire brought back, set the token back to what it had been. Found
// by the model in spec.
func TestFoundTokenSetBack(t *testing.T) {
	r := parse("owner=a nonce=A token=7 seq=1 lease=10s until=90s")
	back := parse("owner=a nonce=A token=12 seq=1 lease=10s until=90s")
	for name, w := range map[string]lockstore.Write{
		"takeover": protocol.TakeOverQueued(r, 0, mine(), 1, start), "resume": protocol.Resume(r, mine(), 1, start),
	} {
		if ok, _ := w.If.Holds(r); !ok {
			t.Errorf("%s: refused", name)
		}
		if ok, _ := w.If.Holds(back); ok {
			t.Errorf("%s: the token goes back", name)
		}
	}
	now := protocol.Moment{Wall: start}
	var seen protocol.Observation
	seen.See(r, now)
	if later := later(now, 11*time.Second, 11*time.Second); protocol.Takeable(back, &seen, nil, later) <= 0 {
		t.Error("another tenure's observation counts")
	}
}
