package dynalock

import (
	"context"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// looks are when the key of a request of unknown outcome is looked at again.
// A request that was sent may be carried out long after its caller gave up.
var looks = [...]time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second, 120 * time.Second}

// remember sees to a tenure that may come into being, or has, without a handle:
// its key is looked at later, and the tenure released. What remains if this
// process is gone too ends with its lease, or by the owner's name.
func (c *Client) remember(key string, nonce lockstore.Nonce) {
	now := c.clock.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(key, now)
	if k.orphans == nil {
		k.orphans = map[lockstore.Nonce]struct{}{}
	}
	if _, known := k.orphans[nonce]; known {
		return
	}
	k.orphans[nonce] = struct{}{}
	c.lookLater(key, nonce, 0)
}

// lookLater needs c.mu.
func (c *Client) lookLater(key string, nonce lockstore.Nonce, n int) {
	if c.closed {
		return
	}
	wait := looks[n]
	if n > 0 {
		wait -= looks[n-1]
	}
	time.AfterFunc(wait, func() {
		c.spawn(func(ctx context.Context) {
			over := c.clean(ctx, key, nonce)
			c.mu.Lock()
			defer c.mu.Unlock()
			if n+1 < len(looks) && !over {
				c.lookLater(key, nonce, n+1)
				return
			}
			if k := c.keys[key]; k != nil {
				delete(k.orphans, nonce)
			}
		})
	})
}

// orphaned reports whether that tenure is one of ours that nobody has.
func (c *Client) orphaned(key string, nonce lockstore.Nonce) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	if k == nil {
		return false
	}
	_, is := k.orphans[nonce]
	return is && (k.handle == nil || k.handle.nonce != nonce)
}

// clean releases the tenure if it is there and no handle has it. over: it has
// certainly ended and cannot come back.
func (c *Client) clean(ctx context.Context, key string, nonce lockstore.Nonce) (over bool) {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	if !c.orphaned(key, nonce) {
		return false
	}
	got, err := c.read(ctx, key, lockstore.Consistent)
	if err != nil {
		return false
	}
	if why, _ := protocol.WhyLost(nonce, got.Record); why != protocol.LossNone {
		// Released under its own nonce, no copy of the request passes any more;
		// under another nonce or without an item, one still may.
		return got.Record != nil && got.Record.Nonce == nonce
	}
	if !c.orphaned(key, nonce) { // became a handle's while we read
		return false
	}
	now, bounds := c.clock.now(), c.clock.at()
	w := c.endTenure(tenureEnd{nonce: nonce, owner: got.Record.Owner, delete: got.Record.DeleteOnRelease}, now, &bounds)
	if got, err = c.write(ctx, "clean", key, w); err == nil && got.Applied && c.observed() {
		c.tell(ctx, Event{Kind: EventCleaned, Key: key})
	}
	return false
}
