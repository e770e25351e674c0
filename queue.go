package dynalock

import (
	"context"
	"errors"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// join puts the waiter into the queue: one write. again: the lock looks free,
// so a try is better. Where the queue is full, or the item is one that has no
// queue, the waiter stays outside.
func (w *waiter) join(ctx context.Context) (again bool, err error) {
	c := w.c
	w.id, w.place = c.newNonce(), -1
	entry := lockstore.Waiter{ID: w.id, Owner: c.set.owner, DeleteOnRelease: w.a.delete}
	own, cancel := c.untilClosed(ctx)
	defer cancel()
	w.a.tries++
	got, err := c.write(own, "join", w.a.key, protocol.Join(entry))
	if err != nil {
		if unknown(err) {
			c.remember(w.a.key, w.id, 0)
		}
		w.id = "" // known to nobody; what may come of it is looked for
		return false, w.failed(err)
	}
	r := got.Record
	c.see(w.a.key, r, got.answered)
	w.holder(r)
	if w.last == nil || !errors.Is(w.last, ErrHeld) {
		w.note(c.heldError(w.a.key, r, false))
	}
	if got.Applied {
		w.place = protocol.Place(r, w.id)
		w.ahead = w.place
		return false, nil
	}
	return r == nil || r.Released && len(r.Queue) == 0, nil
}

// inQueue is for one who stands in the queue.
func (w *waiter) inQueue(ctx context.Context, got answer, seen *protocol.Observation) (l *Lock, again bool, err error) {
	c, r := w.c, got.Record
	if protocol.GoesOn(w.id, r) {
		return w.accept(ctx, got)
	}
	place := protocol.Place(r, w.id)
	if place < 0 {
		return w.dropped(ctx)
	}
	w.place, w.ahead = place, place
	w.last = c.heldError(w.a.key, r, false)
	if mine, err := w.myTurn(ctx, r, place, seen); !mine || err != nil {
		return nil, false, err
	}
	return w.takeOver(ctx, r, place)
}

// myTurn reports whether the lock may be taken over from that place now.
func (w *waiter) myTurn(ctx context.Context, r *lockstore.Record, place int, seen *protocol.Observation) (bool, error) {
	c := w.c
	if r.Session == "" || r.Released {
		now, bounds := c.clock.now(), c.clock.at()
		return protocol.Turn(r, place, seen, c.expiryBy(&bounds), now) <= 0, nil
	}
	own, cancel := c.untilClosed(ctx)
	defer cancel()
	left, err := c.sessionTurn(own, r, place)
	if err != nil {
		return false, w.failed(err)
	}
	return left <= 0, nil
}

// dropped is for one whom a read no longer shows in the queue. Only a
// consistent one is believed: an older state shows the time before the join.
func (w *waiter) dropped(ctx context.Context) (l *Lock, again bool, err error) {
	got, err := w.read(ctx, lockstore.Consistent)
	if e := w.over(); e != nil {
		return nil, false, e
	}
	if err != nil {
		return nil, false, w.failed(err)
	}
	r := got.Record
	w.c.see(w.a.key, r, got.answered)
	switch {
	case protocol.GoesOn(w.id, r):
		return w.accept(ctx, got)
	case protocol.Place(r, w.id) >= 0:
		return nil, false, nil
	}
	// A grant that lapsed, a takeover that dropped us, or an item that was
	// deleted. This nonce is done with.
	w.id, w.place = "", -1
	return nil, true, nil
}

// takeOver ends a lapsed tenure from the waiter's place in the queue, or from
// outside it once all in it have had their turn.
func (w *waiter) takeOver(ctx context.Context, r *lockstore.Record, place int) (l *Lock, again bool, err error) {
	c := w.c
	own, cancel := c.untilClosed(ctx)
	defer cancel()
	t := c.newTry(w.a)
	defer t.settle()
	t.over, t.place = r, place
	got, belief, err := t.persist(own)
	switch {
	case err != nil:
		return nil, false, w.failed(err)
	case belief != nil:
		w.id, w.place = "", -1 // dropped by the takeover itself
		if l, err = t.won(own, got.Record, *belief); err != nil {
			return nil, true, w.failed(err)
		}
		return l, false, nil
	}
	c.see(w.a.key, got.Record, got.answered)
	if w.id == "" {
		return nil, got.Record == nil || got.Record.Released, nil
	}
	return nil, false, nil // the next read tells what changed
}

// failed is for what went wrong while waiting: nothing, if it is to go on.
func (w *waiter) failed(err error) error {
	if e := w.over(); e != nil {
		return e
	}
	if err = mask(err); w.note(err) {
		return nil
	}
	return err
}

// accept makes the handle of a lock that was handed over. It may be believed at
// once where its end is known by the store's clock and the claim window is all
// that was asked for; otherwise it is claimed first, by a renewal.
func (w *waiter) accept(ctx context.Context, got answer) (l *Lock, again bool, err error) {
	c, a, r := w.c, w.a, got.Record
	own, cancel := c.untilClosed(ctx)
	defer cancel()
	bounds := c.clock.at()
	belief, granted := protocol.Granted(r, got.asked, c.expiryBy(&bounds))
	belief.Sent = got.asked
	l = newLock(c, a, r, belief)
	if err := l.fill(a, r); err != nil {
		return nil, true, w.refuse(own, l, err)
	}
	if err := w.claim(own, l, granted); err != nil {
		var lost *LostError
		if errors.As(err, &lost) {
			return nil, true, w.refuse(own, l, err) // it came too late: join again
		}
		return nil, false, w.failed(err)
	}
	if err = l.raiseToken(own, r); err == nil {
		err = c.adopt(l)
	}
	if err != nil {
		return nil, true, w.refuse(own, l, err)
	}
	w.id, w.place = "", -1
	c.outlived(a, l, r)
	return l, false, nil
}

// refuse gives back what was handed over and cannot be taken, for now or at all.
func (w *waiter) refuse(ctx context.Context, l *Lock, err error) error {
	w.id, w.place = "", -1
	w.c.giveBack(ctx, l, w.a.data == nil)
	return w.refused(err)
}

// refused is failed for a lock that was given back: that it had ended before is
// nothing that the call ends with.
func (w *waiter) refused(err error) error {
	var lost *LostError
	if (errors.As(err, &lost) || errors.Is(err, ErrReleased)) && w.over() == nil {
		return nil
	}
	return w.failed(err)
}

// claim renews a lock that was handed over, if its holder needs more than the
// claim window from the start.
func (w *waiter) claim(ctx context.Context, l *Lock, granted bool) error {
	c, a := w.c, w.a
	now, bounds := c.clock.now(), c.clock.at()
	enough := granted && a.live && a.data == nil && a.atLeast == 0 &&
		l.belief.Left(now, &bounds) > protocol.ClaimWindow/3
	if enough {
		// No longer than was asked for: what Deadline says, no renewal may take back.
		l.belief.Lease = min(l.belief.Lease, a.lease)
		return nil
	}
	// The belief begins with the claim.
	l.belief = protocol.Belief{Sent: now}
	ch, err := c.claim(ctx, a)
	if err != nil {
		return err
	}
	return l.change(ctx, ch)
}

// leave takes a waiter that gave up out of the queue, behind its call, and
// releases what was handed over to it meanwhile.
func (w *waiter) leave() {
	id, place := w.id, w.place
	if id == "" || place < 0 {
		return
	}
	w.id, w.place = "", -1
	c, key := w.c, w.a.key
	if !c.spawn(func(background context.Context) {
		if !c.leaveQueue(background, key, id, place) {
			c.remember(key, id, 0)
		}
	}) {
		c.remember(key, id, 0)
	}
}

// leaveQueue gives up the place that was last seen: mostly it still is. What
// the answer shows otherwise is gone by.
func (c *Client) leaveQueue(ctx context.Context, key string, id lockstore.Nonce, place int) (looked bool) {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	got, err := c.write(ctx, "leave", key, protocol.Leave(id, place))
	if err != nil {
		return false
	}
	c.see(key, got.Record, got.answered)
	nobodys := func(string, *lockstore.Record) bool { return true } // we never had a handle
	return got.Applied || c.cleanSeen(ctx, key, id, got.Record, nobodys)
}
