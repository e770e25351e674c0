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
