package gocronlock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/gocronlock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

func (c *cluster) elected(name string) (*node, *gocronlock.Elector) {
	c.t.Helper()
	n := c.node(name)
	e, err := gocronlock.NewElector(n.client, "leader")
	must(c.t, err)
	c.t.Cleanup(func() { _ = e.Close(bg) })
	c.schedule(n, gocron.WithDistributedElector(e))
	return n, e
}

// All jobs run on the leader, from the first moment on; when it is shut down the
// next one has them at once.
func TestElector(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, ea := c.elected("a")
		now := gocron.WithStartAt(gocron.WithStartImmediately())
		c.every(a, 10*time.Second, 0, 0, now)
		c.at(0)
		b, eb := c.elected("b")
		c.every(b, 10*time.Second, 0, 0, now)
		c.at(25 * time.Second)
		c.want("a@0", "a@10", "a@20")
		if err := eb.IsLeader(bg); !errors.Is(err, gocronlock.ErrNotLeader) || !errors.Is(err, dynalock.ErrHeld) {
			t.Error(err)
		}
		must(t, a.Shutdown())
		must(t, ea.Close(bg))
		if err := ea.IsLeader(bg); !errors.Is(err, gocronlock.ErrNotLeader) {
			t.Error(err)
		}
		c.at(45 * time.Second)
		c.want("b@30", "b@40")
	})
}

// A leader that is cut off from the store stops leading before another starts,
// and stands again when it can.
func TestElectorLosesTheLead(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, ea := c.elected("a")
		c.at(0)
		b, eb := c.elected("b")
		c.every(a, time.Second, 0, 0)
		c.every(b, time.Second, 500*time.Millisecond, 0)
		ctx, cancel := ea.Context(bg)
		defer cancel()
		c.at(1500 * time.Millisecond)
		c.want("a@1")
		a.net.Down(faultstore.BlackHole())
		var turned time.Duration
		for d := 2 * time.Second; d < time.Minute; d += 100 * time.Millisecond {
			c.at(d)
			la, lb := ea.IsLeader(bg) == nil, eb.IsLeader(bg) == nil
			if la && lb {
				t.Fatalf("two leaders after %v", d)
			}
			if lb && turned == 0 {
				turned = d
			}
		}
		if turned == 0 || turned > 25*time.Second {
			t.Errorf("the next leader after %v", turned)
		}
		if err := ea.IsLeader(bg); !errors.Is(err, dynalock.ErrLost) {
			t.Error(err)
		}
		if !errors.Is(context.Cause(ctx), dynalock.ErrLost) {
			t.Errorf("the lead's context: %v", context.Cause(ctx))
		}
		a.net.Up()
		c.at(2 * time.Minute)
		must(t, b.Shutdown())
		must(t, eb.Close(bg))
		c.at(121 * time.Second)
		must(t, ea.IsLeader(bg))
	})
}

// Only who asks before the first answer waits, and not for longer than its
// context.
func TestElectorBeforeTheFirstAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		n := c.node("a")
		n.net.Down(faultstore.BlackHole())
		e, err := gocronlock.NewElector(n.client, "leader")
		must(t, err)
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		defer cancel()
		if err := e.IsLeader(ctx); !errors.Is(err, gocronlock.ErrNotLeader) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := e.IsLeader(bg); !errors.Is(err, gocronlock.ErrNotLeader) || !errors.Is(err, dynalock.ErrUnavailable) {
			t.Error(err)
		}
		n.net.Up()
		c.at(time.Minute)
		must(t, e.IsLeader(bg))
		must(t, e.Close(bg))
		must(t, e.Close(bg))
	})
}

// What cannot become better ends the campaign and is told.
func TestElectorWrongKey(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		e, err := gocronlock.NewElector(c.node("a").client, "")
		must(t, err)
		if err := e.IsLeader(bg); !errors.Is(err, dynalock.ErrInvalidKey) {
			t.Error(err)
		}
		ctx, cancel := e.Context(bg)
		defer cancel()
		if ctx.Err() == nil {
			t.Error("a context without a lead")
		}
		must(t, e.Close(bg))
	})
}

// The client's end is the campaign's: otherwise the bubble would never end.
func TestElectorOfAClosedClient(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		n := c.node("a")
		e, err := gocronlock.NewElector(n.client, "leader")
		must(t, err)
		must(t, e.IsLeader(bg))
		must(t, n.client.Close(bg))
		if err := e.IsLeader(bg); !errors.Is(err, dynalock.ErrClosed) {
			t.Error(err)
		}
	})
}
