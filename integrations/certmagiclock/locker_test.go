package certmagiclock_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/certmagiclock"
)

// Two goroutines of one machine and one of another take turns.
func TestOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, m := range []*machine{a, a, b, b} {
			for range 3 {
				all.Go(func() {
					must(t, m.Lock(bg, "n"))
					if !mu.TryLock() {
						t.Error("two at once")
						return
					}
					time.Sleep(time.Second)
					mu.Unlock()
					must(t, m.Unlock(bg, "n"))
				})
			}
		}
		all.Wait()
	})
}

// Unlock works though the context of Lock has ended, and its own too.
func TestUnlockAfterTheContext(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		ctx, cancel := context.WithCancel(bg)
		must(t, a.Lock(ctx, "n"))
		cancel()
		time.Sleep(time.Minute)
		if ok, err := b.TryLock(bg, "n"); ok || err != nil {
			t.Errorf("the context's end ended the lock: %v, %v", ok, err)
		}
		must(t, a.Unlock(ctx, "n"))
		ok, err := b.TryLock(bg, "n")
		if !ok || err != nil {
			t.Error(ok, err)
		}
	})
}

// A context ends the waiting, for another machine's lock and for one's own.
func TestLockHonoursTheContext(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		must(t, a.Lock(bg, "n"))
		for _, m := range []*machine{a, b} {
			ctx, cancel := context.WithTimeout(bg, time.Minute)
			began := time.Now()
			if err := m.Lock(ctx, "n"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Minute+time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			if ok, err := m.TryLock(ctx, "n"); ok {
				t.Errorf("TryLock with a context that has ended: %v, %v", ok, err)
			}
			cancel()
		}
		must(t, a.Unlock(bg, "n"))
		must(t, b.Lock(bg, "n")) // and nothing of the above is left
		must(t, b.Unlock(bg, "n"))
	})
}

func TestTryLock(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		for i, step := range []struct {
			m    *machine
			want bool
		}{{a, true}, {a, false}, {b, false}} {
			if ok, err := step.m.TryLock(bg, "n"); ok != step.want || err != nil {
				t.Errorf("%d: %v, %v", i, ok, err)
			}
		}
		if ok, err := a.TryLock(bg, ""); ok || !errors.Is(err, dynalock.ErrInvalidKey) {
			t.Errorf("no name: %v, %v", ok, err)
		}
	})
}

// Whose lock was lost still keeps the others of its machine out until its Unlock,
// which cannot mean theirs; and learns of the loss.
func TestUnlockAfterALoss(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a := c.machine("a")
		must(t, a.Lock(bg, "n"))
		if ok, err := a.client.ReleaseLock(bg, "n"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		got := make(chan error, 1)
		go func() { got <- a.Lock(bg, "n") }()
		time.Sleep(time.Minute)
		select {
		case err := <-got:
			t.Fatal("two of one machine are inside", err)
		default:
		}
		_ = a.Unlock(bg, "n")
		must(t, <-got)
		must(t, a.RenewLockLease(bg, "n", time.Hour))
		must(t, a.Unlock(bg, "n"))
	})
}

func TestNotHeld(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		must(t, b.Lock(bg, "n"))
		for name, err := range map[string]error{
			"another's":  a.Unlock(bg, "n"),
			"nobody's":   a.Unlock(bg, "none"),
			"to renew":   a.RenewLockLease(bg, "n", time.Hour),
			"not at all": a.RenewLockLease(bg, "none", time.Hour),
		} {
			if !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, b.Unlock(bg, "n"))
		if err := b.Unlock(bg, "n"); !errors.Is(err, dynalock.ErrNotHeld) {
			t.Errorf("the second time: %v", err)
		}
	})
}

// A second Unlock is refused, and lets nobody in, while the next of this machine
// waits for another one.
func TestUnlockTwice(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		must(t, a.Lock(bg, "n"))
		got := make(chan error, 2)
		go func() { got <- b.Lock(bg, "n") }()
		time.Sleep(time.Second)
		go func() { got <- a.Lock(bg, "n") }()
		time.Sleep(time.Second)
		must(t, a.Unlock(bg, "n"))
		must(t, <-got) // b's
		if err := a.Unlock(bg, "n"); !errors.Is(err, dynalock.ErrNotHeld) {
			t.Error(err)
		}
		must(t, b.Unlock(bg, "n"))
		must(t, <-got)
		must(t, a.Unlock(bg, "n"))
	})
}

// Many names at once cost one renewal.
func TestManyNames(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		const names = 50
		a := c.machine("a")
		for i := range names {
			must(t, a.Lock(bg, fmt.Sprint(i)))
		}
		time.Sleep(time.Minute)
		before := a.net.Requests().Writes
		time.Sleep(time.Minute)
		if writes := a.net.Requests().Writes - before; writes > 15 {
			t.Errorf("%d writes a minute", writes)
		}
		for i := range names {
			must(t, a.Unlock(bg, fmt.Sprint(i)))
		}
	})
}

// What README.md says of the table: a released lock's item stays, and nothing
// removes it, unless its client deletes on release.
func TestReleasedItems(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		once := func(opts ...dynalock.ClientOption) {
			client := dynalock.New(c.table, opts...)
			locker, err := certmagiclock.New(client)
			must(t, err)
			must(t, locker.Lock(bg, "n"))
			must(t, locker.Unlock(bg, "n"))
			must(t, client.Close(bg))
		}
		once(dynalock.WithDefaults(dynalock.DeleteOnRelease()))
		if keys := c.table.Keys(); len(keys) > 0 {
			t.Errorf("%q are left", keys)
		}
		once()
		time.Sleep(365 * 24 * time.Hour)
		c.table.Sweep(time.Now())
		if r := c.table.Peek("n"); r == nil || !r.Released {
			t.Errorf("after a year there is %+v", r)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := certmagiclock.New(nil); err == nil {
		t.Error("a nil client")
	}
	if _, err := certmagiclock.New(dynalock.New(nil), nil); err == nil {
		t.Error("a nil option")
	}
}

func TestKeyPrefix(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		client := c.machine("a").client
		locker, err := certmagiclock.New(client, certmagiclock.KeyPrefix("edge/"))
		must(t, err)
		s := locker.Storage(&certmagic.FileStorage{Path: "certs"})
		must(t, s.Lock(bg, "n"))
		_, err = client.GetLock(bg, "edge/n")
		must(t, err)
		must(t, s.Unlock(bg, "n"))
		if got := fmt.Sprint(s); got != "FileStorage:certs, locks in dynalock" {
			t.Error(got)
		}
	})
}
