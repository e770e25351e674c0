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

// lookAgain is when a look is repeated that got no answer.
const lookAgain = 5 * time.Second

// remember sees to a tenure that may come into being, or has, without a handle:
// its key is looked at later, and the tenure released. What remains if this
// process is gone too ends with its lease, or by the owner's name.
func (c *Client) remember(key string, nonce lockstore.Nonce, given int64) {
	now := c.clock.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(key, now)
	if k.orphans == nil {
		k.orphans = map[lockstore.Nonce]int64{}
	}
	_, known := k.orphans[nonce]
	k.orphans[nonce] = given
	if known {
		return
	}
	c.lookLater(key, nonce, 0)
}

// lookLater needs c.mu.
func (c *Client) lookLater(key string, nonce lockstore.Nonce, n int) {
	wait := looks[n]
	if n > 0 {
		wait -= looks[n-1]
	}
	c.lookAfter(wait, key, nonce, n)
}

// lookAfter needs c.mu.
func (c *Client) lookAfter(wait time.Duration, key string, nonce lockstore.Nonce, n int) {
	if c.closed {
		return
	}
	time.AfterFunc(wait, func() {
		c.spawn(func(ctx context.Context) {
			looked := c.clean(ctx, key, nonce, c.orphaned)
			c.mu.Lock()
			defer c.mu.Unlock()
			if !looked {
				c.lookAfter(lookAgain, key, nonce, n) // an outage is no answer
				return
			}
			if n+1 < len(looks) {
				c.lookLater(key, nonce, n+1)
				return
			}
			if k := c.keys[key]; k != nil {
				delete(k.orphans, nonce)
			}
		})
	})
}

// given is the token of the handle that an orphan's tenure was given for.
func (c *Client) given(key string, nonce lockstore.Nonce) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil {
		return k.orphans[nonce]
	}
	return 0
}

// reservedTokens notes the highest token of a tenure that a handle has.
func (c *Client) reservedTokens(key string, nonce lockstore.Nonce, token int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil {
		if given := k.orphans[nonce]; given != 0 {
			k.orphans[nonce] = token
		}
	}
}

// reserving notes before a block of tokens is asked for that it may be there.
func (c *Client) reserving(key string, nonce lockstore.Nonce, token int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil && k.orphans[nonce] != 0 {
		k.reserved = tenureName{nonce, token}
	}
}

// over notes that a tenure has certainly ended: whatever has its nonce from
// here on came from a late request.
func (c *Client) over(key string, nonce lockstore.Nonce) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil {
		if _, known := k.orphans[nonce]; known {
			k.orphans[nonce] = 0
		}
	}
}

// orphaned reports whether that tenure is one of ours that nobody has.
func (c *Client) orphaned(key string, r *lockstore.Record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	if k == nil {
		return false
	}
	given, is := k.orphans[r.Nonce]
	if to := k.reserved; to.nonce == r.Nonce && given != 0 && r.Token > given && r.Token <= to.token {
		return false
	}
	return is && r.Token != given && (k.handle == nil || k.handle.nonce != r.Nonce)
}

// clean releases the tenure if it is there and nobody's, and takes its place
// in the queue if it waits. It reports whether it got the answers for that.
func (c *Client) clean(ctx context.Context, key string, nonce lockstore.Nonce, nobodys func(string, *lockstore.Record) bool) (looked bool) {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	if l := c.handleOf(key); l != nil && l.nonce == nonce {
		return true
	}
	had := c.given(key, nonce)
	got, err := c.read(ctx, key, lockstore.Consistent)
	if err != nil {
		return false
	}
	c.see(key, got.Record, got.answered)
	if had != 0 && !protocol.GoesOn(nonce, got.Record) {
		c.over(key, nonce) // it had begun before the read was asked for
	}
	return c.cleanSeen(ctx, key, nonce, got.Record, nobodys)
}

// cleanSeen does so with the record that an answer showed.
func (c *Client) cleanSeen(ctx context.Context, key string, nonce lockstore.Nonce, r *lockstore.Record, nobodys func(string, *lockstore.Record) bool) (looked bool) {
	for range movesFollowed {
		if l := c.handleOf(key); l != nil && l.nonce == nonce {
			return true
		}
		w, found := c.removal(key, nonce, r, nobodys)
		if !found {
			return true
		}
		got, err := c.write(ctx, "clean", key, w)
		if err != nil {
			return false
		}
		c.see(key, got.Record, got.answered)
		if got.Applied {
			if c.observed() {
				c.tell(ctx, Event{Kind: EventCleaned, Key: key})
			}
			return true
		}
		r = got.Record
	}
	return false
}

// removal is the write that ends what that nonce has: a place, or the lock.
func (c *Client) removal(key string, nonce lockstore.Nonce, r *lockstore.Record, nobodys func(string, *lockstore.Record) bool) (lockstore.Write, bool) {
	if place := protocol.Place(r, nonce); place >= 0 {
		return protocol.Leave(nonce, place), true
	}
	if why, _ := protocol.WhyLost(nonce, r); why != protocol.LossNone || !nobodys(key, r) {
		return lockstore.Write{}, false
	}
	now, bounds := c.clock.now(), c.clock.at()
	end := tenureEnd{nonce: nonce, owner: r.Owner, delete: r.DeleteOnRelease && len(r.Queue) == 0}
	return c.endTenure(end, now, &bounds), true
}
