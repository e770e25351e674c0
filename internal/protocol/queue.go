package protocol

import (
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

const (
	// ClaimWindow is how long a lock that was handed over waits for its new
	// holder, and how long each place in the queue has for taking over a lock
	// whose holder is gone.
	ClaimWindow = 3 * time.Second
	// QueueBound is how many may stand in a queue; the others wait outside.
	// Bounded by the item's size: an entry takes about 60 bytes beside the
	// owner's name, and whole kilobytes are paid for.
	QueueBound = 8
)

// Join puts a waiter into the queue of a lock that is held. "Not my nonce" and
// "not queued" are there for copies of this request that arrive late.
func Join(w lockstore.Waiter) lockstore.Write {
	return lockstore.Write{
		If: lockstore.All(
			lockstore.NonceNot(""), lockstore.NonceNot(w.ID), lockstore.NotReleased{}, lockstore.QueueSound{},
			lockstore.NoWaiterAt(QueueBound-1), lockstore.NotQueued(w.ID)),
		Do: []lockstore.Change{lockstore.AddWaiter(w)},
	}
}

// Leave takes a waiter out of the queue, whose place was seen.
func Leave(id lockstore.Nonce, place int) lockstore.Write {
	return lockstore.Write{
		If: lockstore.All(lockstore.WaiterAt{Place: place, ID: id}),
		Do: []lockstore.Change{lockstore.DropWaiterAt(place)},
	}
}

// PassOn frees the lock or, where somebody waits, hands it over, in one write
// that does not know which. Like every release it wins over renewals of its own
// tenure. claim is what a new holder gets to begin with.
func PassOn(nonce lockstore.Nonce, owner string, now time.Time, claim Promise) lockstore.Write {
	return lockstore.Write{
		If: lockstore.All(lockstore.NonceIs(nonce), lockstore.NotReleased{}),
		Do: append(passOn(now, claim), lockstore.SetLast{Nonce: nonce, How: lockstore.HowReleased, By: owner}),
	}
}

// passOn leaves nothing of the former tenure but its data.
func passOn(now time.Time, claim Promise) []lockstore.Change {
	return append(make([]lockstore.Change, 0, 12),
		lockstore.PassOn{}, lockstore.NextSeq{}, lockstore.SetSince(now),
		lockstore.SetLease(claim.Lease), lockstore.SetExpires(claim.Expires), lockstore.SetTTL{},
		lockstore.SetHold{}, lockstore.SetEnded(false), lockstore.SetSession(""))
}

// Claim is what a release promises to whom it hands the lock over: the claim
// window. The new holder did not send that write, so it goes by expires alone;
// and whoever counts the lease from first sight must not end before that, so
// the lease is longer by what is not known of the store's clock. Where too little
// is known of it, such as after a jump of the wall clock, no end is written: the
// new holder has to claim before it believes, and observers still end a dead
// one's grant after a window.
func Claim(now Moment, bounds *Bounds) Promise {
	if bounds == nil || !bounds.Known() || bounds.Width(now) > ClaimWindow {
		return Promise{Lease: ClaimWindow}
	}
	return Promise{
		Lease:   ceil(ClaimWindow+bounds.Width(now), time.Millisecond),
		Expires: bounds.Latest(now).Add(ClaimWindow).UTC().Truncate(time.Millisecond),
	}
}

// Granted is what the one to whom a lock was handed over may believe when a
// read that was asked for at asked shows its grant, if it goes by the store's
// clock at all: bounds may be nil. false: it has to claim before it believes.
func Granted(r *lockstore.Record, asked Moment, bounds *Bounds) (Belief, bool) {
	if bounds == nil || !bounds.Known() || r.Expires.IsZero() || r.Lease == 0 {
		return Belief{}, false
	}
	return Belief{Sent: asked, Lease: r.Lease, Expires: r.Expires}, true
}

// Place is where in the queue the waiter stands; -1: not at all.
func Place(r *lockstore.Record, id lockstore.Nonce) int {
	if r == nil {
		return -1
	}
	for i, w := range r.Queue {
		if w.ID == id {
			return i
		}
	}
	return -1
}

// Turn is how long from now the one at that place in the queue may take over
// the lock from a holder that is gone: a claim window after the place before.
// Whoever is not in the queue (place = its length) comes after all of them.
func Turn(r *lockstore.Record, place int, o *Observation, bounds *Bounds, now Moment) time.Duration {
	if r == nil {
		return 0
	}
	if place < 0 {
		place = len(r.Queue)
	}
	if r.Released {
		// Something else left a queue at a free lock. Nobody's end is known:
		// it is counted from when this was first seen.
		return max(time.Duration(place+1)*ClaimWindow-(now.Mono-o.first), 0)
	}
	return sinceEnd(r, o, bounds, now, place)
}

// sinceEnd is how long until that many windows have passed since the lease
// ended. Two who count it from first sight may differ by the drift of the whole
// lease: each place leaves room for that, too.
func sinceEnd(r *lockstore.Record, o *Observation, bounds *Bounds, now Moment, windows int) time.Duration {
	more := time.Duration(windows) * ClaimWindow
	left := o.Left(r, now)
	if left != Forever {
		left = plus(left, plus(more, time.Duration(windows)*4*drift(r.Lease)))
	}
	if hasLease(r) && !r.Expires.IsZero() && bounds != nil && bounds.Fresh(now) {
		byClock := r.Expires.Add(more).Sub(bounds.Earliest(now))
		left = min(left, plus(byClock, drift(byClock)+time.Millisecond))
	}
	return max(left, 0)
}

// TakeOverQueued ends the lapsed tenure that r shows and takes the lock for
// the waiter at that place, dropping those before it, who are gone too, and
// itself. With place = the queue's length it is for one who is not in it.
func TakeOverQueued(r *lockstore.Record, place int, t Tenure, base int64, now time.Time) lockstore.Write {
	last := lockstore.Last{Nonce: r.Nonce, How: lockstore.HowTakenOver, By: t.Owner}
	if r.Ended && r.Last != nil {
		last = *r.Last // that tenure had been released; only its promise was left
	}
	if r.Released {
		last.How, last.By = lockstore.HowReleased, r.Owner
		if r.Last != nil && r.Last.Nonce == r.Nonce {
			last = *r.Last
		}
	}
	if place < 0 {
		place = len(r.Queue)
	}
	w := succeed(r, t, base, now, last)
	if r.Released {
		is := lockstore.Test(lockstore.NonceIs(r.Nonce))
		if r.Legacy() {
			is = lockstore.NoNonce{}
		}
		w.If = lockstore.All(is, lockstore.Released{}, tokenOf(r))
	}
	drop := min(place+1, len(r.Queue), lockstore.MaxQueue)
	for i, waiter := range r.Queue[:drop] {
		w.If[0] = append(w.If[0], lockstore.WaiterAt{Place: i, ID: waiter.ID})
	}
	if place >= len(r.Queue) && drop == len(r.Queue) {
		w.If[0] = append(w.If[0], lockstore.NoWaiterAt(len(r.Queue)))
	}
	if drop > 0 {
		w.Do = replaceQueue(w.Do, lockstore.DropWaiters(drop))
	}
	return w
}

// replaceQueue puts a change of the queue in place of keeping it: a write may
// touch it once.
func replaceQueue(do []lockstore.Change, with lockstore.Change) []lockstore.Change {
	for i, change := range do {
		if _, keeps := change.(lockstore.KeepQueue); keeps {
			do[i] = with
		}
	}
	return do
}
