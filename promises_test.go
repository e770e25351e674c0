package dynalock_test

import (
	"context"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// What a fresh process with a wrong clock promises, and what no write took back.
// All of it was found by the simulator.

// HoldAtLeast is kept in the store's time from a process's first request on.
func TestHoldAtLeast_ByTheStoresClock(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": 4 * time.Minute, "behind": -4 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				a.clock.SetWall(ahead)
				l := a.take("k", dynalock.KeepAlive(), dynalock.HoldAtLeast(10*time.Second))
				if n := a.net.Requests(); n.Gets != 1 || n.Writes != 1 {
					t.Errorf("%+v", n)
				}
				must(t, l.Release(bg))
				began := time.Now()
				b.wait(bg, "k", dynalock.Wait()).within(t, time.Minute)
				if took := time.Since(began); took < 9*time.Second || took > 13*time.Second {
					t.Error("free after", took)
				}
				must(t, a.wait(bg, "other", dynalock.HoldAtLeast(time.Second)).within(t, time.Second).Release(bg))
				if n := a.net.Requests(); n.Gets != 1 {
					t.Errorf("asked again: %+v", n)
				}
			})
		})
	}
}

// The client knows the store's clock, and then its own wall clock is set: by it
// and the monotonic one together the promise might end half an hour later.
func TestHoldAtLeast_AfterTheWallClockWasSet(t *testing.T) {
	for name, by := range map[string]time.Duration{"ahead": 30 * time.Minute, "back": -30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				must(t, a.take("k").Release(bg))
				a.clock.SetWall(by)
				l := a.take("k", dynalock.KeepAlive(), dynalock.HoldAtLeast(10*time.Second))
				if n := a.net.Requests(); n.Gets != 1 {
					t.Errorf("%+v", n)
				}
				a.clock.SetWall(by - 30*time.Minute)
				must(t, l.Release(bg))
				if r := w.row("k"); r.Lease > 11*time.Second {
					t.Errorf("kept for %v", r.Lease)
				}
				began := time.Now()
				b.wait(bg, "k", dynalock.Wait()).within(t, time.Hour)
				if took := time.Since(began); took < 9*time.Second || took > 13*time.Second {
					t.Error("free after", took)
				}
			})
		})
	}
}

// The same for one that is handed the lock by the queue, and claims it.
func TestHoldAtLeast_ClaimedAfterTheWallClockWasSet(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		first := a.take("k")
		var b *machine
		b = w.machine("b", dynalock.WithObserver(func(_ context.Context, e dynalock.Event) {
			if r := w.row("k"); e.Step == "get" && !r.Released && r.Owner == "b" { // after the answer that grants
				b.clock.SetWall(30 * time.Minute)
			}
		}))
		second := b.wait(bg, "k", dynalock.Wait(), dynalock.KeepAlive(), dynalock.HoldAtLeast(10*time.Second))
		pass(3 * time.Second)
		must(t, first.Release(bg))
		must(t, second.within(t, time.Minute).Release(bg))
		if r := w.row("k"); r.Lease > 12*time.Second {
			t.Errorf("kept for %v", r.Lease)
		}
	})
}

// A store that tells no time is asked for it once.
func TestHoldAtLeast_WithoutTime(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		for range 3 {
			must(w.t, a.take("k", dynalock.WithLease(time.Minute), dynalock.HoldAtLeast(time.Second)).Release(bg))
			pass(2 * time.Second)
		}
		if n := a.net.Requests(); n.Gets != 1 {
			w.t.Errorf("%+v", n)
		}
	}, memstore.WithoutTime())
}

// A lock without a lease that was to get one, and nobody knows whether it did:
// its holder stops believing, and then it is released.
func TestExtend_OfUnknownOutcome(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithoutLease())
		a.net.On(faultstore.Match{If: faultstore.Renewals}, faultstore.BlackHole())
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		if err := l.Extend(ctx, 3*time.Second); err == nil {
			t.Fatal("extended")
		}
		pass(4 * time.Second)
		if l.Held() {
			t.Error("still held")
		}
		b.wait(bg, "k", dynalock.Wait()).within(t, 10*time.Second)
	})
}

// A lock with a lease shorter than the claim window that was handed over was
// believed for the window, and its first renewal then set an earlier end.
func TestDeadline_NeverGoesBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		first := a.take("k", dynalock.KeepAlive())
		second := b.wait(bg, "k", dynalock.Wait(), dynalock.KeepAlive(), dynalock.WithLease(time.Second))
		pass(3 * time.Second)
		must(t, first.Release(bg))
		l := second.within(t, time.Minute)
		for said, n := l.Deadline(), 0; n < 30; n++ {
			pass(100 * time.Millisecond)
			now := l.Deadline()
			if now.Before(said.Add(-time.Millisecond)) || !l.Held() { // the store's clock is known ever less
				t.Fatalf("said %v, says %v, %v", said, now, l)
			}
			said = now
		}
		must(t, l.Release(bg))
	})
}
