package gocronlock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/gocronlock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

func (c *cluster) locked(name string, opts ...gocronlock.LockerOption) (*node, *gocronlock.Locker) {
	c.t.Helper()
	n := c.node(name)
	locker, err := gocronlock.NewLocker(n.client, opts...)
	must(c.t, err)
	c.schedule(n, gocron.WithDistributedLocker(locker))
	return n, locker
}

// Of two nodes whose moments differ by 2 s, one runs a job that takes no time;
// the other comes early or late, as you like to see it. The next period's run is
// not kept out.
func TestLockerRunsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, _ := c.locked("a")
		b, _ := c.locked("b")
		c.every(a, 10*time.Second, 0, 0)
		c.every(b, 10*time.Second, 2*time.Second, 0)
		c.at(35 * time.Second)
		c.want("a@10", "a@20", "a@30")
		must(t, a.Shutdown())
		c.at(55 * time.Second)
		c.want("b@42", "b@52")
	})
}

// What the hold is for: without it the late node runs the job again.
func TestLockerWithoutHold(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, _ := c.locked("a", gocronlock.HoldAtLeast(0))
		b, _ := c.locked("b", gocronlock.HoldAtLeast(0))
		c.every(a, 10*time.Second, 0, 0)
		c.every(b, 10*time.Second, 2*time.Second, 0)
		c.at(15 * time.Second)
		c.want("a@10", "b@12")
	})
}

// A hold of the period less a margin makes one run a period of jobs that each
// node counts from its own start.
func TestLockerHoldOfAlmostThePeriod(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, _ := c.locked("a", gocronlock.HoldAtLeast(55*time.Second))
		b, _ := c.locked("b", gocronlock.HoldAtLeast(55*time.Second))
		c.every(a, time.Minute, 0, 0)
		c.every(b, time.Minute, 31*time.Second, 0)
		c.at(4*time.Minute - time.Second)
		c.want("a@60", "a@120", "a@180")
	})
}

// A run that is longer than lease, hold and period keeps the others out, the
// node's own next one too.
func TestLockerLongRun(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, _ := c.locked("a")
		b, _ := c.locked("b")
		c.every(a, 10*time.Second, 0, 65*time.Second)
		c.every(b, 10*time.Second, 2*time.Second, 65*time.Second)
		c.at(147 * time.Second)
		c.want("a@10", "a@80") // released at 75 and 145: b came at 72 and 142
		if c.most != 1 {
			t.Errorf("%d at once", c.most)
		}
	})
}

// What AfterLockError gets tells contention from a failure.
func TestLockerErrors(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, _ := c.locked("a")
		b, _ := c.locked("b")
		var errs []error
		listen := gocron.WithEventListeners(gocron.AfterLockError(func(_ uuid.UUID, _ string, err error) { errs = append(errs, err) }))
		c.every(a, time.Minute, 0, 0)
		c.every(b, time.Minute, time.Second, 0, listen)
		c.at(62 * time.Second)
		must(t, a.Shutdown())
		b.net.Down(faultstore.BlackHole())
		c.at(3 * time.Minute)
		if len(errs) != 2 {
			t.Fatalf("%d errors: %v", len(errs), errs)
		}
		var held *dynalock.HeldError
		if !errors.As(errs[0], &held) || held.Owner != "a" || held.Key != "report" {
			t.Error(errs[0])
		}
		if !errors.Is(errs[1], dynalock.ErrUnavailable) || errors.Is(errs[1], dynalock.ErrHeld) {
			t.Error(errs[1])
		}
	})
}

// A scheduler that is shut down ends the job's context while the run goes on:
// the lock is kept until then, and released then. Not in a bubble: gocron spins
// while it waits for its jobs, which keeps fake time from passing.
func TestLockerShutdown(t *testing.T) {
	client := dynalock.New(memstore.New())
	defer client.Close(bg)
	locker, err := gocronlock.NewLocker(client, gocronlock.HoldAtLeast(0))
	must(t, err)
	s, err := gocron.NewScheduler(gocron.WithDistributedLocker(locker))
	must(t, err)
	told, goOn, down := make(chan struct{}), make(chan struct{}), make(chan error)
	_, err = s.NewJob(gocron.OneTimeJob(gocron.OneTimeJobStartImmediately()), gocron.NewTask(func(ctx context.Context) {
		go func() { down <- s.Shutdown() }()
		<-ctx.Done()
		close(told)
		<-goOn
	}), gocron.WithName("report"))
	must(t, err)
	s.Start()
	<-told
	if _, err := client.AcquireLock(bg, "report"); !errors.Is(err, dynalock.ErrHeld) {
		t.Errorf("before the run's end: %v", err)
	}
	close(goOn)
	must(t, <-down)
	_, err = client.AcquireLock(bg, "report")
	must(t, err)
}

// A job that asks for it learns that its lock was lost, and how.
func TestLockerContext(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, locker := c.locked("a")
		var cause error
		var ended time.Duration
		_, err := a.NewJob(gocron.OneTimeJob(gocron.OneTimeJobStartImmediately()), gocron.NewTask(func(ctx context.Context) {
			ctx, cancel := locker.Context(ctx, "report")
			defer cancel()
			<-ctx.Done()
			cause, ended = context.Cause(ctx), time.Since(c.began)
		}), gocron.WithName("report"))
		must(t, err)
		c.at(time.Second)
		a.net.Down(faultstore.BlackHole())
		c.at(time.Minute)
		if !errors.Is(cause, dynalock.ErrLost) || ended > 21*time.Second {
			t.Errorf("after %v: %v", ended, cause)
		}
		ctx, cancel := locker.Context(bg, "report")
		defer cancel()
		if !errors.Is(context.Cause(ctx), dynalock.ErrNotHeld) {
			t.Errorf("after the run: %v", context.Cause(ctx))
		}
	})
}

// The unlock of a run that lost its lock does not take the next run's context
// away.
func TestLockerContextOfTheNextRun(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		n := c.node("a")
		locker, err := gocronlock.NewLocker(n.client, gocronlock.KeyPrefix("app/"), gocronlock.HoldAtLeast(0))
		must(t, err)
		first, err := locker.Lock(bg, "report")
		must(t, err)
		if ok, err := n.client.ReleaseLock(bg, "app/report"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		second, err := locker.Lock(bg, "report")
		must(t, err)
		_ = first.Unlock(bg) // lost or released: not the point
		ctx, cancel := locker.Context(bg, "report")
		defer cancel()
		must(t, ctx.Err())
		shutdown, end := context.WithCancel(bg)
		end()
		must(t, second.Unlock(shutdown)) // as gocron does
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), dynalock.ErrReleased) {
			t.Error(context.Cause(ctx))
		}
	})
}

func TestNewLockerRefuses(t *testing.T) {
	client := dynalock.New(nil)
	for name, err := range map[string]error{
		"a nil client":    second(gocronlock.NewLocker(nil)),
		"a nil option":    second(gocronlock.NewLocker(client, nil)),
		"a negative hold": second(gocronlock.NewLocker(client, gocronlock.HoldAtLeast(-1))),
		"a hold for ever": second(gocronlock.NewLocker(client, gocronlock.HoldAtLeast(dynalock.MaxLease+1))),
		"an elector":      second(gocronlock.NewElector(nil, "k")),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
