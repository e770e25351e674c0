package protocol

import (
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A Promise is what a write tells the store about how long a tenure lasts.
// Every write that sets one of its parts sets all of them: an observer counts
// the lease, a reader of the clock looks at the end, the table's item expiry
// at the TTL, and none may end before the others.
type Promise struct {
	Lease   time.Duration // 0: no end
	Expires time.Time
	TTL     time.Time
}

// NewPromise gives the promise of a write that is about to be sent: lease from
// the latest that the store's clock can show, or from the local clock as long
// as nothing is known of the store's. It never ends before hold, the promised
// end of HoldAtLeast in the store's time. retention 0: the item has no TTL.
func NewPromise(now Moment, bounds *Bounds, lease time.Duration, hold time.Time, retention time.Duration) Promise {
	if lease == 0 {
		return Promise{}
	}
	earliest, latest := bounds.Around(now)
	lease = ceil(lease, time.Millisecond)
	p := Promise{Lease: lease, Expires: latest.Add(lease + bounds.blindness()).UTC().Truncate(time.Millisecond)}
	if !hold.IsZero() {
		// Each by its own measure: the end must not creep on with each renewal.
		p.Lease = max(p.Lease, ceil(hold.Sub(earliest), time.Millisecond))
		if hold.After(p.Expires) {
			p.Expires = hold.UTC().Truncate(time.Millisecond)
		}
	}
	if retention > 0 {
		p.TTL = p.Expires.Add(retention + time.Second).Truncate(time.Second)
	}
	return p
}

// HoldUntil is the end of HoldAtLeast(d) that a write sent now may promise.
func HoldUntil(now Moment, bounds *Bounds, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	_, latest := bounds.Around(now)
	return latest.Add(d).UTC().Add(time.Millisecond).Truncate(time.Millisecond)
}

// Belief is what the holder may believe once a write with that promise, sent
// at sent, is known to have been made.
func (p Promise) Belief(sent Moment) Belief {
	return Belief{Sent: sent, Lease: p.Lease, Expires: p.Expires}
}

// made reports whether r shows that very promise.
func (p Promise) made(r *lockstore.Record) bool {
	return r.Lease == p.Lease && r.Expires.Equal(p.Expires)
}

func (p Promise) changes() []lockstore.Change {
	return []lockstore.Change{
		lockstore.SetLease(p.Lease), lockstore.SetExpires(p.Expires), lockstore.SetTTL(p.TTL),
	}
}

func ceil(d, unit time.Duration) time.Duration {
	if rest := d % unit; rest > 0 {
		d += unit - rest
	}
	return d
}

// A Tenure is what an acquisition writes.
type Tenure struct {
	Owner           string
	Nonce           lockstore.Nonce
	Seq             int64 // that it begins with: see Attempts.NextSeq
	Promise         Promise
	Hold            time.Time // zero: no HoldAtLeast
	DeleteOnRelease bool
	Data            *lockstore.SetData // nil: what is there stays
}

// changes sets or removes every attribute of the protocol but the token, so
// that nothing of the former tenure stays.
func (t Tenure) changes(now time.Time) []lockstore.Change {
	do := append(make([]lockstore.Change, 0, 16),
		lockstore.SetOwner(t.Owner),
		lockstore.SetNonce(t.Nonce),
		lockstore.SetSeq(t.Seq),
		lockstore.SetSince(now),
		lockstore.SetReleased(false),
		lockstore.SetDeleteOnRelease(t.DeleteOnRelease),
		lockstore.SetHold(t.Hold),
		lockstore.SetEnded(false),
		lockstore.SetSession(""),
		lockstore.KeepQueue{},
	)
	do = append(do, t.Promise.changes()...)
	if t.Data != nil {
		do = append(do, *t.Data)
	}
	return do
}

// made reports whether r shows what an acquisition of t wrote, and nothing
// that came after it.
func (t Tenure) made(r *lockstore.Record) bool {
	return r != nil && r.Nonce == t.Nonce && r.Seq == t.Seq && !r.Released && t.Promise.made(r)
}

// Rest is the promise that an early release leaves: taken until hold. Whoever
// counts the lease from first sight ends no earlier, since the write comes no
// earlier than earliest.
func Rest(hold, earliest time.Time, retention time.Duration) Promise {
	p := Promise{Lease: ceil(hold.Sub(earliest), time.Millisecond), Expires: hold}
	if retention > 0 {
		p.TTL = p.Expires.Add(retention + time.Second).Truncate(time.Second)
	}
	return p
}
