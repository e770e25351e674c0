package protocol

import (
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

const (
	// hullTime is how long an answer that contradicts the ones before it
	// leaves both possible.
	hullTime = 30 * time.Second
	// freshTime is how old bounds may be that end somebody else's lease.
	freshTime = 10 * time.Minute
)

// Bounds is what is known of the store's clock. The zero value knows nothing.
type Bounds struct {
	margin   time.Duration
	now      interval
	former   interval // contradicted by now; possible until formerTo
	formerAt Moment   // when it was contradicted
}

// An interval says that at that moment the store's clock lay in it.
type interval struct {
	at               Moment
	earliest, latest time.Time
}

// NewBounds allows for servers whose clocks differ by margin.
func NewBounds(margin time.Duration) Bounds { return Bounds{margin: margin} }

// Observe takes an answer of the store into account: asked and answered are
// read before the request was sent and after its answer arrived. It reports
// whether the store's clock may now be later than was thought possible, so
// that beliefs have to be looked at again.
func (b *Bounds) Observe(asked, answered Moment, t lockstore.TimeBounds) (later bool) {
	if !t.Known() || t.Latest.Before(t.Earliest) {
		return false
	}
	took := max(answered.most(asked), 0)
	seen := interval{
		at:       answered,
		earliest: t.Earliest.Add(-b.margin),
		latest:   t.Latest.Add(b.margin + took + drift(took)),
	}
	if !b.Known() {
		b.now = seen
		return true // a lease may have been written by the local clock alone
	}
	before := b.Latest(answered)
	carried := b.now.carry(answered)
	both := interval{answered, laterOf(carried.earliest, seen.earliest), earlierOf(carried.latest, seen.latest)}
	if !both.latest.Before(both.earliest) {
		b.now = both
	} else {
		if b.contradicted(answered) {
			carried = hull(carried, b.former.carry(answered))
		}
		b.former, b.formerAt, b.now = carried, answered, seen
	}
	return b.Latest(answered).After(before)
}

// Known reports whether any answer told its time.
func (b *Bounds) Known() bool { return !b.now.at.Wall.IsZero() }

// blindness is added to the end of a lease that is written before anything is
// known of the store's clock: so much later than it is the first answer may
// show it, and belief would end early by that. A store without a margin tells
// its time exactly.
func (b *Bounds) blindness() time.Duration {
	if b.Known() || b.margin == 0 {
		return 0
	}
	return time.Second + 2*b.margin
}

// Fresh reports whether the bounds are young enough to end a lease by.
func (b *Bounds) Fresh(now Moment) bool { return b.Known() && now.most(b.now.at) <= freshTime }

// Latest is the latest that the store's clock can show now. The bounds must be
// known.
func (b *Bounds) Latest(now Moment) time.Time { return b.carry(now).latest }

// Earliest is the earliest that it can show now. The bounds must be known.
func (b *Bounds) Earliest(now Moment) time.Time { return b.carry(now).earliest }

// Around is both or, while nothing is known of the store's clock, the local
// wall clock in their place.
func (b *Bounds) Around(now Moment) (earliest, latest time.Time) {
	if !b.Known() {
		return now.Wall, now.Wall
	}
	i := b.carry(now)
	return i.earliest, i.latest
}

// Width is how much is not known about the store's clock.
func (b *Bounds) Width(now Moment) time.Duration {
	i := b.carry(now)
	return i.latest.Sub(i.earliest)
}

func (b *Bounds) carry(now Moment) interval {
	i := b.now.carry(now)
	if b.contradicted(now) {
		i = hull(i, b.former.carry(now))
	}
	return i
}

// contradicted counts by the slower clock: rather too long than too short.
func (b *Bounds) contradicted(now Moment) bool {
	return !b.former.at.Wall.IsZero() && now.least(b.formerAt) < hullTime
}

// carry moves the interval on by what has passed on the local clocks.
func (i interval) carry(now Moment) interval {
	least, most := now.least(i.at), now.most(i.at)
	return interval{now, i.earliest.Add(least - drift(least)), i.latest.Add(most + drift(most))}
}

func hull(a, b interval) interval {
	return interval{a.at, earlierOf(a.earliest, b.earliest), laterOf(a.latest, b.latest)}
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
