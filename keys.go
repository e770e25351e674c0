package dynalock

import (
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// keyState is what a client remembers of a key from one call to the next.
type keyState struct {
	seen    protocol.Observation
	token   int64           // the highest seen
	tokenOf lockstore.Nonce // the tenure that it was seen with
	used    protocol.Moment
	busy    time.Duration   // monotonic; when somebody else was last seen holding it, 0: never
	queued  bool            // somebody waited when it was last seen
	rhythm  *rhythm         // when it changes hands; nil: nobody was seen waiting
	session liveness        // where it is the key of somebody's session
	line    *line           // who waits for it in this client
	handle  *Lock           // the last handle, if it has not ended
	own     lockstore.Nonce // of the last handle, also if that has ended
	// orphans are nonces to look for, each with the token of the tenure that
	// a handle was given for, which is none; 0: no handle was.
	orphans  map[lockstore.Nonce]int64
	reserved tenureName // up to which token a handle of ours may have reserved
}

const (
	// keyIdle is how long a key nobody asks for is remembered: as long as
	// tokens of one client could otherwise go back by a wrong clock.
	keyIdle = 10 * time.Minute
	// keysKept is how many keys are remembered without looking for idle ones.
	keysKept = 1024
)

// key gives the state of a key, with c.mu held.
func (c *Client) key(key string, now protocol.Moment) *keyState {
	k := c.keys[key]
	if k == nil {
		c.forgetIdle(now)
		k = &keyState{}
		c.keys[key] = k
	}
	k.used = now
	return k
}

// forgetIdle looks through the keys at most once a minute.
func (c *Client) forgetIdle(now protocol.Moment) {
	if len(c.keys) < keysKept || now.Mono-c.swept.Mono < time.Minute {
		return
	}
	c.swept = now
	for name, k := range c.keys {
		if k.handle == nil && len(k.orphans) == 0 && !k.line.busy() && now.Mono-k.used.Mono > keyIdle {
			delete(c.keys, name)
		}
	}
}

// see takes into account what a consistent read or a write showed of a key,
// in an answer that had arrived at now.
func (c *Client) see(key string, r *lockstore.Record, now protocol.Moment) protocol.Observation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key(key, now).see(r, now)
}

// glance does so for an eventually consistent read. stale: it shows a lower
// token than one seen before, an earlier state of the same tenure, or no item
// where there was a tenure, so it is or may be of the past, and nothing is learned.
// (Or the item was deleted and made anew by a clock that is behind; then the
// next read has to be consistent.)
func (c *Client) glance(key string, r *lockstore.Record, now protocol.Moment) (seen protocol.Observation, stale bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(key, now)
	if k.seen.Absent(r) || r != nil && (r.Token != 0 && r.Token < k.token || k.seen.Later(r)) {
		return k.seen, true
	}
	return k.see(r, now), false
}

// observation is what is known of a key, changing nothing.
func (c *Client) observation(key string) protocol.Observation {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil {
		return k.seen
	}
	return protocol.Observation{}
}

func (k *keyState) see(r *lockstore.Record, now protocol.Moment) protocol.Observation {
	k.learn(r, now)
	k.seen.See(r, now)
	return k.seen
}

// tokenTaken reports whether the token of a tenure that just began was seen
// with another one, or a higher one was: then it must be raised above last.
// That takes an item that was deleted, and clocks that differ.
func (c *Client) tokenTaken(key string, r *lockstore.Record, now protocol.Moment) (last int64, taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(key, now)
	switch {
	case r.Token > k.token:
		k.token, k.tokenOf = r.Token, r.Nonce
		return 0, false
	case r.Token == k.token && k.tokenOf == r.Nonce:
		return 0, false
	}
	// Taken here, so that two tenures are not raised to the same one.
	last = k.token
	k.token, k.tokenOf = last+1, r.Nonce
	return last, true
}

// lastToken is the highest token seen under that key.
func (c *Client) lastToken(key string, now protocol.Moment) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key(key, now).token
}

// handlesOf gives every handle of that tenure that this client has.
func (c *Client) handlesOf(key string, nonce lockstore.Nonce) (all []*Lock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.locks {
		if l.key == key && l.nonce == nonce {
			all = append(all, l)
		}
	}
	return all
}

// handleOf gives the last handle of that key, unless it has ended.
func (c *Client) handleOf(key string) *Lock {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil {
		return k.handle
	}
	return nil
}
