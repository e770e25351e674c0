package sim

import (
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// A clock is both clocks of one machine. Each runs at a rate of its own.
type clock struct {
	mu       sync.Mutex
	start    time.Time
	wallRate float64       // fast by that part
	monoRate float64       // fast by that part
	wall     time.Duration // ahead of the true time, drift aside
	mono     time.Duration
	frozen   chan struct{} // not nil: whoever reads the clock stands still until it closes
	stopped  time.Time     // not zero: the monotonic clock stands still since then
	standing int           // how many stand still
}

func newClock(wallRate, monoRate float64) *clock {
	return &clock{start: time.Now(), wallRate: wallRate, monoRate: monoRate}
}

func (c *clock) now() protocol.Moment {
	c.mu.Lock()
	for c.frozen != nil {
		frozen := c.frozen
		c.standing++
		place := time.Duration(c.standing)
		c.mu.Unlock()
		<-frozen
		time.Sleep(place * time.Microsecond) // fake time: they go on in the order in which they came
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	now := time.Now()
	until := now
	if !c.stopped.IsZero() {
		until = c.stopped
	}
	return protocol.Moment{
		Mono: at(until.Sub(c.start), c.monoRate) + c.mono,
		Wall: c.start.Add(at(now.Sub(c.start), c.wallRate) + c.wall).Round(0),
	}
}

func at(d time.Duration, rate float64) time.Duration { return d + time.Duration(float64(d)*rate) }

// setWall puts the wall clock ahead of the true time by d.
func (c *clock) setWall(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = d
}

// freeze stops whatever the process does as soon as it looks at a clock, as
// SIGSTOP does; requests on their way go on. A suspended machine's monotonic
// clock stands still too, and its wall clock goes on.
func (c *clock) freeze(suspend bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen == nil {
		c.frozen = make(chan struct{})
	}
	if suspend {
		c.stopped = time.Now()
	}
}

func (c *clock) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped.IsZero() {
		c.mono -= at(time.Since(c.stopped), c.monoRate)
		c.stopped = time.Time{}
	}
	if c.frozen != nil {
		close(c.frozen)
		c.frozen, c.standing = nil, 0
	}
}

func (c *clock) standsStill() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frozen != nil
}
