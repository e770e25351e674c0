package clocktest

import (
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// A Clock is both clocks of one machine, as far as they differ from the
// bubble's time.
type Clock struct {
	mu      sync.Mutex
	start   time.Time
	wall    time.Duration // ahead of the bubble's
	mono    time.Duration // ahead of the bubble's
	frozen  chan struct{} // not nil: whoever reads the clock stands still until it closes
	stopped time.Time     // not zero: the monotonic clock stands still since then
}

// New gives clocks that are right.
func New() *Clock { return &Clock{start: time.Now()} }

// Now reads both clocks: give it to a hook.Store.
func (c *Clock) Now() protocol.Moment {
	c.mu.Lock()
	frozen := c.frozen
	c.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	mono := now.Sub(c.start) + c.mono
	if !c.stopped.IsZero() {
		mono = c.stopped.Sub(c.start) + c.mono
	}
	return protocol.Moment{Mono: mono, Wall: now.Add(c.wall).Round(0)}
}

// SetWall puts the wall clock ahead of the true time by d.
func (c *Clock) SetWall(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = d
}

// Freeze stops whatever the client does as soon as it looks at a clock, as
// SIGSTOP does; requests on their way go on. Thaw ends it.
func (c *Clock) Freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen == nil {
		c.frozen = make(chan struct{})
	}
}

// Thaw ends a freeze, if there is one.
func (c *Clock) Thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		close(c.frozen)
		c.frozen = nil
	}
}

// Suspend stops the monotonic clock, as closing a laptop's lid does, and Wake
// lets it go on; the wall clock goes on all the while.
func (c *Clock) Suspend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = time.Now()
}

// Wake ends a suspension.
func (c *Clock) Wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mono -= time.Since(c.stopped)
	c.stopped = time.Time{}
}

// StandsStill reports whether it is frozen.
func (c *Clock) StandsStill() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frozen != nil
}

// GoOn ends a freeze and a suspension.
func (c *Clock) GoOn() {
	c.mu.Lock()
	suspended := !c.stopped.IsZero()
	c.mu.Unlock()
	if suspended {
		c.Wake()
	}
	c.Thaw()
}
