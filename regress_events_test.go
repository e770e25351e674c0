package dynalock_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// Regressions of events and of Expiring.

// An observer that took its time with a renewal or a loss kept the client from
// renewing, until the lock that it looked after was lost.
func TestRegress_SlowObserverCostTheLock(t *testing.T) {
	for name, slow := range map[string]func(e dynalock.Event) time.Duration{
		"with another lock's loss": func(e dynalock.Event) time.Duration {
			if e.Kind == dynalock.EventLost {
				return time.Minute
			}
			return 0
		},
		"with its own renewals": func(e dynalock.Event) time.Duration {
			if e.Step == "renew" {
				return 15 * time.Second
			}
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				met := 0
				a := w.machine("a", dynalock.WithObserver(func(_ context.Context, e dynalock.Event) {
					if d := slow(e); d > 0 {
						met++
						time.Sleep(d)
					}
				}))
				a.take("other", dynalock.WithLease(10*time.Second)) // nothing renews it
				l := a.take("k", dynalock.KeepAlive())
				pass(time.Minute)
				if !l.Held() {
					w.t.Error(l.Err())
				}
				if err := l.Release(background); err != nil {
					w.t.Error(err)
				}
				pass(10 * time.Minute) // the observer comes to its end
				if met == 0 {
					w.t.Error("the observer was never slow: the test shows nothing")
				}
			})
		})
	}
}

type eventKey struct{}

// The event that an acquire begins to wait came without the call's context.
func TestRegress_EventWaitingWithoutItsContext(t *testing.T) {
	inWorld(t, func(w *world) {
		var mu sync.Mutex
		kinds := map[dynalock.EventKind]int{}
		a, b := w.machine("a"), w.machine("b", dynalock.WithObserver(func(ctx context.Context, e dynalock.Event) {
			mu.Lock()
			defer mu.Unlock()
			kinds[e.Kind]++
			if e.Step == "leave" || e.Kind == dynalock.EventCleaned {
				return // it leaves the queue behind the call, maybe before that is told of
			}
			if ctx.Value(eventKey{}) != "b's" {
				w.t.Errorf("%s %s without the call's context", e.Kind, e.Step)
			}
		}))
		a.take("k")
		next := b.wait(context.WithValue(background, eventKey{}, "b's"), "k", dynalock.WaitFor(time.Second))
		<-next.got
		mu.Lock()
		defer mu.Unlock()
		if kinds[dynalock.EventWaiting] != 1 || kinds[dynalock.EventHeld] != 1 {
			w.t.Errorf("events %v", kinds)
		}
	})
}

// Expiring of a lock without a lease made the client's timer wrap around, so
// that it looked at no lock any more: live ones were not renewed.
func TestRegress_ExpiringWithoutLeaseStoppedRenewals(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		pass(time.Minute)
		durable := a.take("durable", dynalock.WithoutLease())
		live := a.take("live", dynalock.KeepAlive())
		warning := durable.Expiring(10 * time.Second)
		pass(2 * dynalock.DefaultLiveLease)
		if !live.Held() || isClosed(warning) {
			w.t.Errorf("%v; warned of the other: %v", live.Err(), isClosed(warning))
		}
		if err := durable.Release(background); err != nil || !isClosed(warning) {
			w.t.Errorf("%v; warned at its end: %v", err, isClosed(warning))
		}
	})
}

// Each call of Expiring left a channel behind that the handle kept until it
// ended: a loop that waits with it filled the memory.
func TestRegress_ExpiringKeptAChannelForEachCall(t *testing.T) {
	inWorld(t, func(w *world) {
		l := w.machine("a").take("k", dynalock.KeepAlive())
		kept := map[<-chan struct{}]bool{}
		for range 1000 {
			kept[l.Expiring(time.Second)], kept[l.Expiring(2*time.Second)] = true, true
			pass(50 * time.Millisecond)
		}
		if len(kept) != 2 {
			w.t.Errorf("%d channels for 2 durations", len(kept))
		}
	})
}

// Of a handle that had ended, Expiring with a negative duration gave a channel
// that was never closed.
func TestRegress_ExpiringOfAnEndedLockNeverCame(t *testing.T) {
	inWorld(t, func(w *world) {
		l := w.machine("a").take("k")
		early := l.Expiring(-time.Second)
		if err := l.Release(background); err != nil {
			w.t.Fatal(err)
		}
		pass(time.Second)
		if !isClosed(early) || !isClosed(l.Expiring(-time.Second)) {
			w.t.Errorf("closed: %v before the end, %v after it", isClosed(early), isClosed(l.Expiring(-time.Second)))
		}
	})
}
