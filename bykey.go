package dynalock

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// Owner names are what connects processes: the calls in this file act on a
// lock that another process of the same owner name may have taken. They read
// the record first, and then act on the tenure that they read and on no other.

// ReleaseLock releases the lock of that key that this client's owner name
// holds. It answers true when that tenure has ended or there was none: the lock
// may by then belong to the next owner, or stay taken by [HoldAtLeast]. It
// answers false only with an error, which matches [ErrOwnerMismatch], changing
// nothing, if another owner holds the lock.
//
// It costs one write where this client has the lock's handle, otherwise one
// consistent read and, if there is something to release, one write.
func (c *Client) ReleaseLock(ctx context.Context, key string) (bool, error) {
	if err := c.readyFor(ctx, key); err != nil {
		return false, err
	}
	if l := c.handleOf(key); l != nil && l.owner == c.set.owner {
		err := l.Release(ctx)
		var lost *LostError
		if err == nil || !errors.As(err, &lost) {
			return err == nil, err
		}
		// That tenure has ended; another of the same owner may hold the lock.
	}
	r, err := c.readNow(ctx, key)
	if err != nil {
		return false, err
	}
	if r == nil || r.Released || r.Ended {
		return true, nil
	}
	if r.Owner != c.set.owner {
		return false, c.heldError(key, r, true)
	}
	err = c.retry(ctx, func(ctx context.Context) error {
		_, err := c.releaseSeen(ctx, key, r)
		if err == nil {
			c.over(key, r.Nonce)
		}
		return err
	})
	return err == nil, err
}

// releaseSeen ends the tenure that r shows. That another one, or none, is there
// by now means that it has ended too.
func (c *Client) releaseSeen(ctx context.Context, key string, r *lockstore.Record) (answer, error) {
	if err := c.mark(ctx, r); err != nil {
		return answer{}, err
	}
	defer c.markAgain(ctx, r)
	now, bounds := c.clock.now(), c.clock.at()
	w := c.endTenure(tenureEnd{nonce: r.Nonce, owner: r.Owner, delete: r.DeleteOnRelease, atLeast: r.Hold}, now, &bounds)
	if r.Legacy() {
		w = protocol.ReleaseLegacy(r, now.Wall)
		if r.DeleteOnRelease {
			w = protocol.DeleteLegacy(r)
		}
	}
	got, err := c.write(ctx, "release", key, w)
	if err != nil {
		return got, err
	}
	c.see(key, got.Record, got.answered)
	if !got.Applied && w.Delete && sameTenure(r, got.Record) {
		// Somebody stands in the queue: the item has to stay.
		if got, err = c.write(ctx, "release", key, protocol.PassOn(r.Nonce, r.Owner, now.Wall, protocol.Claim(now, c.expiryBy(&bounds)))); err == nil {
			c.see(key, got.Record, got.answered)
			c.deleteLate(ctx, key, r.Nonce, got.Applied, got.Record)
		}
	}
	return got, err
}

func sameTenure(r, now *lockstore.Record) bool {
	return now != nil && !now.Released && !now.Ended && now.Nonce == r.Nonce && (!r.Legacy() || now.Owner == r.Owner)
}

// UpdateLock replaces the data stored with a lock that this client's owner
// name holds; nil removes it. [ErrNotHeld] if the lock is free,
// [ErrOwnerMismatch] if another owner holds it. One write where this client
// has the lock's handle, otherwise one consistent read and one write.
func (c *Client) UpdateLock(ctx context.Context, key string, data []byte) error {
	if err := c.readyFor(ctx, key); err != nil {
		return err
	}
	if l := c.handleOf(key); l != nil && l.owner == c.set.owner && l.Held() {
		err := l.Update(ctx, data)
		var lost *LostError
		if !errors.As(err, &lost) {
			return err
		}
	}
	sealed, err := c.seal(key, clone(data))
	if err != nil {
		return err
	}
	r, err := c.readNow(ctx, key)
	if err != nil {
		return err
	}
	var sent int64 // the seq that an update of unknown outcome left
	return c.retry(ctx, func(ctx context.Context) error {
		for range movesFollowed {
			if err := c.mayChange(key, r); err != nil {
				return err
			}
			w := protocol.Update(r.Nonce, r.Seq, sealed)
			if r.Legacy() {
				w = protocol.UpdateLegacy(r, *sealed)
			}
			got, err := c.write(ctx, "update", key, w)
			if err != nil {
				sent = r.Seq + 1
				return err
			}
			c.see(key, got.Record, got.answered)
			if got.Applied || sent != 0 && sameTenure(r, got.Record) && got.Record.Seq == sent && sameData(got.Record, sealed) {
				return nil
			}
			if !sameTenure(r, got.Record) {
				return c.notHeld(key) // the tenure that was read has ended
			}
			r = got.Record
		}
		return unavailable("update", c, errors.New("other writes of this tenure keep coming first"))
	})
}

// mayChange says why a call by the owner's name cannot act on what was read.
func (c *Client) mayChange(key string, r *lockstore.Record) error {
	switch {
	case r == nil || r.Released || r.Ended:
		return c.notHeld(key)
	case r.Owner != c.set.owner:
		return c.heldError(key, r, true)
	}
	return nil
}

// ResumeLock gives a handle to a lock that this client's owner name took
// elsewhere, such as in a process that died: with a new nonce and a higher
// token, so that a handle of the former process, if it lives, is superseded.
// It also works after the lease ran out, if nobody took the lock since. It
// never creates a lock: [ErrNotHeld] if it is free, [ErrOwnerMismatch] if
// another owner holds it.
//
// The lease, data and DeleteOnRelease stay as they are unless options say
// otherwise; the client's defaults do not count. One consistent read and one
// write.
func (c *Client) ResumeLock(ctx context.Context, key string, opts ...AcquireOption) (*Lock, error) {
	if err := c.readyFor(ctx, key); err != nil {
		return nil, err
	}
	w, err := gather(opts)
	switch {
	case err != nil:
		return nil, err
	case w.given&waits != 0:
		return nil, invalidOption("ResumeLock does not wait: the lock is this owner's already, or it fails")
	}
	r, err := c.readNow(ctx, key)
	if err != nil {
		return nil, err
	}
	a := &acquisition{
		key: key, live: w.has(optKeepAlive), delete: w.has(optDelete),
		atLeast: w.atLeast, atMost: w.atMost, plain: w.data, began: c.clock.now(),
	}
	if w.has(optData) {
		if a.data, err = c.seal(key, w.data); err != nil {
			return nil, err
		}
	}
	for range movesFollowed {
		if err := c.mayChange(key, r); err != nil {
			return nil, err
		}
		if a.lease, err = w.resolve(a.began.Wall, r.Lease); err != nil {
			return nil, err
		}
		if a.data == nil {
			// Before anything is changed: what cannot be read stays as it is.
			if _, err := c.open(key, r); err != nil {
				return nil, err
			}
		}
		if err := c.mark(ctx, r); err != nil {
			return nil, err
		}
		l, now, err := c.resume(ctx, a, r)
		c.markAgain(ctx, r)
		if l != nil && c.observed() {
			c.tell(ctx, Event{
				Kind: EventResumed, Key: key, Live: a.live, Lease: a.lease, Token: l.Token(),
				Took: c.clock.now().Mono - a.began.Mono, Tries: a.tries,
			})
		}
		if l != nil || err != nil {
			return l, err
		}
		if !sameTenure(r, now) {
			return nil, c.notHeld(key)
		}
		r = now
	}
	return nil, mask(unavailable("resume", c, errors.New("other writes of this tenure keep coming first")))
}

// resume goes on with the tenure that r shows. Without a handle and without an
// error, the record has changed to now.
func (c *Client) resume(ctx context.Context, a *acquisition, r *lockstore.Record) (l *Lock, now *lockstore.Record, err error) {
	t := c.newTry(a)
	t.tenure.DeleteOnRelease = a.delete || r.DeleteOnRelease
	t.resumes = r
	defer t.settle()
	var failed error
	err = c.retry(ctx, func(ctx context.Context) error {
		got, err := t.send(ctx)
		if err != nil {
			return err
		}
		belief, ok := t.tenure.Promise.Belief(got.asked), got.Applied
		if !ok {
			belief, ok = t.sent.Won(got.Record)
		}
		if now = got.Record; !ok {
			c.see(a.key, now, got.answered)
			return nil
		}
		for _, former := range c.handlesOf(a.key, r.Nonce) {
			_ = former.lose(protocol.LossSuperseded, c.set.owner)
		}
		l, failed = t.won(ctx, got.Record, belief)
		return nil
	})
	if err == nil {
		err = failed // not to be tried again: it is resumed
	}
	return l, now, err
}

func sameData(r *lockstore.Record, d *lockstore.SetData) bool {
	return (&pending{of: &change{data: d}}).made(r)
}

func (c *Client) notHeld(key string) error { return &keyed{ErrNotHeld, key} }

// keyed is an error about a key.
type keyed struct {
	err error
	key string
}

func (e *keyed) Error() string { return e.err.Error() + ": " + quote(e.key) }
func (e *keyed) Unwrap() error { return e.err }

// heldError says what is known of the tenure that is in the way.
func (c *Client) heldError(key string, r *lockstore.Record, mismatch bool) error {
	e := &HeldError{Key: key, mismatch: mismatch}
	if r == nil {
		return e
	}
	e.Owner, e.Token, e.Since = r.Owner, uint64(r.Token), r.Since
	if !r.Legacy() {
		e.Lease, e.Expires = r.Lease, r.Expires
	}
	if s := c.sessionRecord(r.Session); s != nil && r.Session != "" {
		e.Expires = s.Expires
		if left, dead := c.sessionLeft(r.Session); !dead {
			e.RetryAt = c.clock.now().Wall.Add(left).Round(time.Millisecond)
		}
		return e
	}
	now, bounds := c.clock.now(), c.clock.at()
	seen := c.observation(key)
	if wait := protocol.Takeable(r, &seen, c.expiryBy(&bounds), now); wait != protocol.Forever && !r.Released {
		e.RetryAt = now.Wall.Add(wait).Round(time.Millisecond)
	}
	return e
}
