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
		err := c.releaseSeen(ctx, key, r)
		if err == nil {
			c.over(key, r.Nonce)
		}
		return err
	})
	return err == nil, err
}

// releaseSeen ends the tenure that r shows. That another one, or none, is there
// by now means that it has ended too.
func (c *Client) releaseSeen(ctx context.Context, key string, r *lockstore.Record) error {
	for kept, n := false, 0; n < movesFollowed; n++ {
		if err := c.mark(ctx, r); err != nil {
			return err
		}
		w := c.endSeen(r, kept)
		got, err := c.write(ctx, "release", key, w)
		c.markAgain(ctx, r)
		if err != nil {
			return err
		}
		c.see(key, got.Record, got.answered)
		switch {
		case got.Applied:
			c.deleteLate(ctx, key, r.Nonce, kept, got.Record)
			return nil
		case !sameTenure(r, got.Record):
			return nil
		case got.Record.Session != r.Session:
			r = got.Record // it moved meanwhile: to be announced there
		default:
			kept = true // somebody stands in the queue: the item has to stay
		}
	}
	return unavailable("release", c, errors.New("the lock changes too often"))
}

// endSeen is the write that ends the tenure which r shows.
func (c *Client) endSeen(r *lockstore.Record, keep bool) lockstore.Write {
	now, bounds := c.clock.now(), c.clock.at()
	switch {
	case r.Legacy() && r.DeleteOnRelease:
		return protocol.DeleteLegacy(r)
	case r.Legacy():
		return protocol.ReleaseLegacy(r, now.Wall)
	}
	end := tenureEnd{nonce: r.Nonce, owner: r.Owner, delete: r.DeleteOnRelease && !keep, atLeast: r.Hold}
	w := c.endTenure(end, now, &bounds)
	w.If[0] = append(w.If[0], protocol.SessionAsIn(r))
	return w
}

func sameTenure(r, now *lockstore.Record) bool {
	return now != nil && !now.Released && !now.Ended && now.Nonce == r.Nonce && (!r.Legacy() || now.Owner == r.Owner)
}

// UpdateLock replaces the data stored with a lock that this client's owner
// name holds; nil removes it. [ErrNotHeld] if the lock is free,
// [ErrOwnerMismatch] if another owner holds it. One write where this client
// has the lock's handle, otherwise one consistent read and one write. The
// holder, and goroutines of its client to whom it hands the lock over without a
// request, see it with their next request for the lock.
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
