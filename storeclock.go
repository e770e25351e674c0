package dynalock

import (
	"context"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A storeClock is what the client knows of the local clocks and the store's.
type storeClock struct {
	read func() protocol.Moment

	mu     sync.Mutex
	bounds protocol.Bounds
}

// localClock reads Go's monotonic clock and, apart from it, the wall clock.
func localClock() func() protocol.Moment {
	start := time.Now()
	return func() protocol.Moment {
		now := time.Now()
		return protocol.Moment{Mono: now.Sub(start), Wall: now.Round(0)}
	}
}

// now reads the local clocks. It must not be called with a mutex held: a
// clock that is stopped for a test must stop one goroutine only.
func (s *storeClock) now() protocol.Moment { return s.read() }

// learn takes the time of an answer into account.
func (s *storeClock) learn(asked, answered protocol.Moment, t lockstore.TimeBounds) (later bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bounds.Observe(asked, answered, t)
}

// at gives what is known now.
func (s *storeClock) at() protocol.Bounds {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bounds
}

// vague is how little of the store's clock HoldAtLeast's promise may go by. So
// much is not known of it after hours without a request, or when the local
// clocks disagree on what has passed since: a suspension, or a clock that was set.
const vague = 10 * time.Second

// askTime reads before HoldAtLeast's end is reckoned with, if the store's time is
// not known well: the promise is kept in it, and by a local clock that is wrong
// it would keep everybody out for longer, or nobody. A store that tells no time
// is not asked again.
func (c *Client) askTime(ctx context.Context, key string) error {
	for range 2 { // the clock may be set while the answer is under way
		now, bounds := c.clock.now(), c.clock.at()
		if c.timeless.Load() || bounds.Known() && bounds.Width(now) <= vague {
			return nil
		}
		got, err := c.read(ctx, key, lockstore.Eventual)
		if err != nil {
			return err
		}
		if !got.Time.Known() {
			c.timeless.Store(true)
		}
	}
	return nil
}
