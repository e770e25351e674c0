package dynalock

import (
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// learn takes from a record how contended its lock is.
func (k *keyState) learn(r *lockstore.Record, now protocol.Moment) {
	looked := k.looked
	k.looked = now.Mono
	k.queued = r != nil && len(r.Queue) > 0
	if r == nil {
		return
	}
	if !r.Released && r.Nonce != k.own {
		k.busy = max(now.Mono, 1)
	}
	if r.Token <= k.token {
		return
	}
	// It changed between the last look and this one.
	changed := max(now.Mono, 1)
	if looked != 0 {
		changed -= min(now.Mono-looked, k.cycle) / 2
	}
	if grants := r.Token - k.token; k.token != 0 && k.changed != 0 && grants < 64 {
		// Tokens rise by one with each holder, also of those not seen. Down
		// fast and up slowly: the longer ones are mostly those that were read
		// late, and an average of them would make the next read later still.
		one := (changed - k.changed) / time.Duration(grants)
		switch {
		case k.cycle == 0:
			k.cycle = one
		case one < k.cycle:
			k.cycle += (one - k.cycle) / 2
		default:
			k.cycle += (one - k.cycle) / 16
		}
	}
	k.token, k.tokenOf, k.changed = r.Token, r.Nonce, changed
}

// contendedFor is how long a key counts as contended after somebody else was
// seen to hold it: then a try would be refused, and be paid for.
const contendedFor = time.Second

func (c *Client) contended(key string) bool {
	now := c.clock.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	return k != nil && k.busy != 0 && now.Mono-k.busy < max(contendedFor, 2*k.cycle)
}

// waited reports whether somebody waited for the lock when it was last seen.
func (c *Client) waited(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	return k != nil && k.queued
}

// turn estimates when the one at that place in the queue will be the holder.
func (c *Client) turn(key string, place int, now protocol.Moment) (expected, cycle time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	if k == nil || k.cycle == 0 || k.changed == 0 {
		return 0, 0, false
	}
	expected = k.changed + k.cycle - now.Mono
	if place > 0 {
		expected = max(expected, 0) + time.Duration(place)*k.cycle
	}
	return expected, k.cycle, true
}

// interval is the time until the next read. One who stands in the queue knows
// from the last hand-overs about when its turn comes; nobody may be slower than
// a grant lasts.
func (w *waiter) interval(now protocol.Moment) time.Duration {
	c := w.c
	pause := w.pause
	w.pause = min(w.pause*3/2, c.set.pollMax)
	if w.place < 0 || c.polls {
		return c.jitter(pause*3/4, pause*5/4)
	}
	d := pause
	if expected, cycle, ok := c.turn(w.a.key, w.place, now); ok {
		// A little early, and then in steps of a hand-over.
		if w.place == 0 {
			d = min(max(expected/2, -expected/8, cycle/8, time.Millisecond/2), pause)
		} else {
			d = min(max(expected*3/4, cycle/8, time.Millisecond), pause<<w.place)
		}
		if expected > 0 {
			w.pause = c.set.pollMin
		}
	} else {
		d = pause << min(w.place, 4)
	}
	bounds := c.clock.at()
	slowest := protocol.ClaimWindow / 4
	if bounds.Known() {
		slowest = max((protocol.ClaimWindow-bounds.Width(now))/2, slowest/3)
	}
	return c.jitter(min(d, slowest)*9/10, min(d, slowest))
}
