package scenariotest

import (
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// A clock is that of one machine where time is fake. It can be stopped, and
// with it whoever looks at it.
type clock struct {
	mu     sync.Mutex
	start  time.Time
	frozen chan struct{} // not nil: closed when it goes on
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() protocol.Moment {
	c.mu.Lock()
	frozen := c.frozen
	c.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	now := time.Now()
	return protocol.Moment{Mono: now.Sub(c.start), Wall: now.Round(0)}
}

func (c *clock) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen == nil {
		c.frozen = make(chan struct{})
	}
}

func (c *clock) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		close(c.frozen)
		c.frozen = nil
	}
}

func (c *clock) standsStill() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frozen != nil
}
