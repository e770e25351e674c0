package dynalock

import (
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// learn takes from a record how contended its lock is.
func (k *keyState) learn(r *lockstore.Record, now protocol.Moment) {
	k.queued = r != nil && len(r.Queue) > 0
	if r == nil {
		return
	}
	if !r.Released && r.Nonce != k.own {
		k.busy = max(now.Mono, 1)
	}
	if k.rhythm == nil && k.queued {
		k.rhythm = &rhythm{}
	}
	if h := k.rhythm; h != nil && r.Token >= k.token {
		grants := r.Token - k.token
		if r.Nonce == k.tokenOf {
			grants = 0 // tokens that its holder reserved
		}
		ours := k.tokenOf == k.own && r.Last != nil && r.Last.Nonce == k.own
		h.see(r, grants, max(now.Mono-h.trip/2, 1), ours)
	}
	if r.Token > k.token {
		k.token, k.tokenOf = r.Token, r.Nonce
	}
}

// contendedFor is how long a key counts as contended after somebody else was
// seen to hold it: then a try would be refused, and be paid for.
const contendedFor = time.Second

func (c *Client) contended(key string) bool {
	now := c.clock.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	if k == nil || k.busy == 0 {
		return false
	}
	last := contendedFor
	if k.rhythm != nil {
		last = max(last, 2*k.rhythm.expected())
	}
	return now.Mono-k.busy < last
}

// waited reports whether somebody waited for the lock when it was last seen.
func (c *Client) waited(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	return k != nil && k.queued
}

// turn is how long the one at that place in the queue should wait until it
// reads, if that is known.
func (c *Client) turn(key string, place int, now protocol.Moment) (d time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil && k.rhythm != nil {
		return k.rhythm.next(place, now.Mono)
	}
	return 0, false
}

// cycle is the time from one holder's grant to the next one's; 0: not known.
func (c *Client) cycle(key string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil && k.rhythm != nil {
		return k.rhythm.expected()
	}
	return 0
}

// timed notes how long a read of one in the queue took, and whether it showed
// its grant.
func (c *Client) timed(key string, got answer, granted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	if k == nil || k.rhythm == nil {
		return
	}
	h := k.rhythm
	if granted {
		h.granted()
	}
	longer := got.answered.Mono - got.asked.Mono - h.trip
	if longer > 0 && h.trip > 0 {
		longer /= 16 // the machine was busy, mostly
	}
	h.trip += longer
}

// interval is the time until the next read. One who stands in the queue knows
// from the last hand-overs about when its turn comes; nobody may be slower than
// a grant lasts.
func (w *waiter) interval(now protocol.Moment) time.Duration {
	c := w.c
	pause := w.pause
	w.pause = min(w.pause*3/2, c.set.pollMax)
	if w.place < 0 && !c.polls && w.ahead > 0 {
		// Nobody outside knows how many they are. That the queue does not run dry is
		// enough, and there should be few who see the same room.
		if cycle := c.cycle(w.a.key); cycle > 0 {
			pause = min(max(2*time.Duration(w.ahead)*cycle, c.set.pollMin), c.set.pollMax)
		}
		return c.jitter(pause/2, pause*3/2)
	}
	if w.place < 0 || c.polls {
		return c.jitter(pause*3/4, pause*5/4)
	}
	most := min(pause<<min(w.place, 4), c.set.pollMax)
	bounds, slowest := c.clock.at(), protocol.ClaimWindow/4
	if bounds.Known() {
		slowest = max((protocol.ClaimWindow-bounds.Width(now))/2, slowest/3)
	}
	most = min(most, slowest)
	d, known := c.turn(w.a.key, w.place, now)
	if !known {
		d = most
	}
	d = min(d, most)
	if !known || w.place > 0 { // of heads there is one: it needs not keep out of step
		d = c.jitter(d*9/10, d)
	}
	if c.set.pollSet {
		d = max(d, c.set.pollMin)
	}
	return d
}
