package protocol_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A local clock that goes wrong in one way or another, beside the store's
// true time. Not both clocks of one machine at once: that nobody can notice.
type local struct {
	rng   *rand.Rand
	fault int // 0: none; 1: the wall clock jumps; 2: the machine sleeps; 3: the wall clock stands
	now   protocol.Moment
}

const (
	faults = 4
	// driftMost is a little less than what is allowed, so that the rounding to
	// nanoseconds does not count.
	driftMost = 599e-6
)

func newLocal(rng *rand.Rand) *local {
	wrong := time.Duration(0)
	if rng.IntN(3) == 0 { // from the start
		wrong = time.Duration(rng.Int64N(int64(2*time.Hour))) - time.Hour
	}
	return &local{rng: rng, fault: rng.IntN(faults), now: protocol.Moment{Mono: time.Duration(rng.Int64N(1e18)), Wall: start.Add(wrong)}}
}

// pass lets both clocks go on by d of the store's time, each at a rate of its
// own, and perhaps be wrong.
func (l *local) pass(d time.Duration) {
	go1, go2 := l.drifted(d), l.drifted(d)
	wrong := l.rng.IntN(5) == 0
	switch {
	case wrong && l.fault == 1:
		go2 += time.Duration(l.rng.Int64N(int64(time.Minute))) - 30*time.Second
	case wrong && l.fault == 2:
		go1 = time.Duration(l.rng.Int64N(int64(go1) + 1))
	case wrong && l.fault == 3:
		go2 = time.Duration(l.rng.Int64N(int64(go2) + 1))
	}
	l.now = later(l.now, go1, go2)
}

// drifted is what a clock makes of d: the true time is within driftMost of
// what it shows.
func (l *local) drifted(d time.Duration) time.Duration {
	return time.Duration(float64(d) / (1 + (2*l.rng.Float64()-1)*driftMost))
}

// date is what a server says, in whole seconds, whose clock is off by no more
// than margin.
func date(rng *rand.Rand, truth time.Time, margin time.Duration) lockstore.TimeBounds {
	t := truth.Add(time.Duration(rng.Int64N(int64(2*margin)+1)) - margin).Truncate(time.Second)
	return lockstore.TimeBounds{Earliest: t, Latest: t.Add(time.Second)}
}

// somewhile is mostly short, sometimes long.
func somewhile(rng *rand.Rand) time.Duration {
	return time.Duration(rng.Int64N(int64([]time.Duration{20 * time.Millisecond, time.Second, 10 * time.Second, 10 * time.Minute}[rng.IntN(4)])))
}

// Whatever the clocks do, the truth lies in the bounds, and they are not kept
// wide for nothing.
func TestBoundsHoldTheTruth(t *testing.T) {
	const margin = 500 * time.Millisecond
	for seed := range uint64(600) {
		rng := rand.New(rand.NewPCG(seed, 1))
		truth, clock, bounds := start, newLocal(rng), protocol.NewBounds(margin)
		step := func(d time.Duration) { truth = truth.Add(d); clock.pass(d) }
		for i := range 60 {
			before := bounds
			asked := clock.now
			step(time.Duration(rng.Int64N(int64(3 * time.Second)))) // on its way there
			told := date(rng, truth, margin)
			step(time.Duration(rng.Int64N(int64(100 * time.Millisecond)))) // and back
			later := bounds.Observe(asked, clock.now, told)
			if before.Known() && later != bounds.Latest(clock.now).After(before.Latest(clock.now)) {
				t.Fatalf("seed %d, answer %d: later = %v", seed, i, later)
			}
			for range rng.IntN(3) {
				if earliest, latest := bounds.Earliest(clock.now), bounds.Latest(clock.now); truth.Before(earliest) || truth.After(latest) {
					t.Fatalf("seed %d, answer %d, fault %d: %v is not in %v..%v", seed, i, clock.fault, truth.Sub(start), earliest.Sub(start), latest.Sub(start))
				}
				step(somewhile(rng))
			}
		}
		if width := bounds.Width(clock.now); clock.fault == 0 && width > 4*time.Second+30*time.Minute*12/10000 {
			t.Fatalf("seed %d: after 60 answers the bounds are %v wide", seed, width)
		}
	}
}

// A duel is a holder who renews now and then, and one who wants the lock, each
// with clocks of its own that go wrong.
type duel struct {
	rng             *rand.Rand
	truth           time.Time
	holder, rival   *local
	hBounds, rival2 protocol.Bounds
	belief          protocol.Belief
	record          *lockstore.Record
	seen            protocol.Observation
}

const duelMargin = 100 * time.Millisecond

func (d *duel) pass(by time.Duration) {
	d.truth = d.truth.Add(by)
	d.holder.pass(by)
	d.rival.pass(by)
}

// renew sends a renewal that takes its time; what is promised is in the store
// before the holder hears of it.
func (d *duel) renew(lease time.Duration) {
	sent := d.holder.now
	p := protocol.NewPromise(sent, &d.hBounds, lease, time.Time{}, 0)
	d.pass(time.Duration(d.rng.Int64N(int64(300 * time.Millisecond))))
	d.record = &lockstore.Record{Nonce: "H", Seq: d.record.Seq + 1, Token: 1, Lease: p.Lease, Expires: p.Expires}
	told := date(d.rng, d.truth, duelMargin)
	d.pass(time.Duration(d.rng.Int64N(int64(300 * time.Millisecond))))
	if d.rng.IntN(4) > 0 { // its answer arrives
		d.hBounds.Observe(sent, d.holder.now, told)
		d.belief = p.Belief(sent)
	}
}

// look is a read of the rival.
func (d *duel) look() {
	asked, told, r := d.rival.now, date(d.rng, d.truth, duelMargin), d.record.Clone()
	d.pass(time.Duration(d.rng.Int64N(int64(50 * time.Millisecond))))
	d.rival2.Observe(asked, d.rival.now, told)
	d.seen.See(r, d.rival.now)
	if d.record.Seq != r.Seq {
		panic("nobody else writes")
	}
}

// Never does one side believe that it holds while the other may take over:
// by clock or by observation, whatever both sides' clocks do.
func TestBeliefEndsBeforeAnybodyMayTakeOver(t *testing.T) {
	lapsed := 0
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 2))
		d := &duel{
			rng: rng, truth: start, holder: newLocal(rng), rival: newLocal(rng), record: &lockstore.Record{},
			hBounds: protocol.NewBounds(duelMargin), rival2: protocol.NewBounds(duelMargin),
		}
		lease := time.Duration(1+rng.IntN(100)) * time.Second
		d.renew(lease)
		for range 60 {
			switch rng.IntN(5) {
			case 0:
				if d.belief.Left(d.holder.now, &d.hBounds) > 0 {
					d.renew(lease)
				}
			case 1, 2:
				d.look()
			default:
				d.pass(min(somewhile(rng), lease))
			}
			eyes := &d.rival2
			if rng.IntN(2) == 0 {
				eyes = nil // by observation alone
			}
			judged := protocol.Judge(d.record, &d.seen, eyes, d.rival.now)
			left := time.Duration(0)
			if d.belief.Lease > 0 { // it was ever confirmed
				left = d.belief.Left(d.holder.now, &d.hBounds)
			}
			if judged == protocol.Lapsed {
				lapsed++
				if left > 0 {
					t.Fatalf("seed %d: lapsed, and its holder believes for %v more (faults %d and %d)", seed, left, d.holder.fault, d.rival.fault)
				}
			}
			if takeable := protocol.Takeable(d.record, &d.seen, eyes, d.rival.now); (takeable <= 0) != (judged == protocol.Lapsed) && eyes == nil {
				t.Fatalf("seed %d: takeable in %v, and judged %q", seed, takeable, judged)
			}
		}
	}
	if lapsed < 5000 {
		t.Errorf("only %d times did it come to that", lapsed)
	}
}
