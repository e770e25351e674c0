package dynalock

import (
	"context"
	"errors"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// ForceRelease ends the tenure with that fencing token, whoever holds it, and
// gives what it was: for operators who looked first, by [Client.GetLock].
// Another token than the holder's is [ErrHeld], naming the tenure that is there
// now; a free lock is [ErrNotHeld]. Token 0 is for items that have none.
//
// The former holder learns of it at its next request or at the end of its
// lease; until then it believes that it holds, and only fencing keeps it from
// the resource. The item stays, with its data. One consistent read and one
// write.
func (c *Client) ForceRelease(ctx context.Context, key string, token uint64) (*LockInfo, error) {
	if err := c.readyFor(ctx, key); err != nil {
		return nil, err
	}
	r, err := c.readNow(ctx, key)
	if err != nil {
		return nil, err
	}
	for range movesFollowed {
		switch {
		case r == nil || r.Released:
			return nil, c.notHeld(key)
		case uint64(r.Token) != token:
			return nil, c.heldError(key, r, false)
		}
		if err := c.mark(ctx, r); err != nil {
			return nil, err
		}
		now, err := c.force(ctx, key, r)
		if err != nil {
			return nil, err
		}
		if now == nil {
			c.markAgain(ctx, r)
			info := c.info(key, r)
			for _, l := range c.handlesOf(key, r.Nonce) {
				_ = l.lose(protocol.LossForced, c.set.owner)
			}
			return &info, nil
		}
		r = now
	}
	return nil, mask(unavailable("force", c, errors.New("the lock changes too often")))
}

// force ends the tenure that r shows; nil: it has ended. Otherwise it gives the
// record as it is now.
func (c *Client) force(ctx context.Context, key string, r *lockstore.Record) (now *lockstore.Record, err error) {
	doubt := false
	err = c.retry(ctx, func(ctx context.Context) error {
		at, bounds := c.clock.now(), c.clock.at()
		w := protocol.Force(r, c.set.owner, at, c.expiryBy(&bounds))
		if c.set.retention > 0 && r.DeleteOnRelease && len(r.Queue) == 0 {
			w = protocol.ForceDeleting(r, c.set.owner, at, &bounds, c.set.retention)
		}
		got, err := c.write(ctx, "force", key, w)
		if err != nil {
			doubt = doubt || unknown(err)
			return err
		}
		c.see(key, got.Record, got.answered)
		if !got.Applied && !(doubt && c.forced(r, got.Record)) {
			if now = got.Record; now == nil {
				now = &lockstore.Record{Released: true} // deleted meanwhile
			}
		}
		return nil
	})
	return now, err
}

// forced reports whether an earlier try of ours ended that tenure.
func (c *Client) forced(r, now *lockstore.Record) bool {
	if now == nil || now.Last == nil {
		return false
	}
	if r.Ended && r.Last != nil {
		return *now.Last == *r.Last
	}
	return *now.Last == lockstore.Last{Nonce: r.Nonce, How: lockstore.HowForced, By: c.set.owner}
}
