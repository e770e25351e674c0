package dynalock_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What a review found of making, leaving and observing sessions.

// Making a session for one lease must not keep that of another
// one from being renewed.
func TestFound_ASlowSessionDelaysNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(2*time.Second))
		pass(10 * time.Second)
		session := w.row("k").Session
		if session == "" {
			t.Fatal("not in a session")
		}
		a.net.On(faultstore.Match{Times: 1, If: func(key string, _ lockstore.Write) bool {
			return isSession(key) && key != session
		}}, faultstore.BlackHole())
		other := a.take("other", dynalock.KeepAlive())
		pass(30 * time.Second)
		if !l.Held() || !other.Held() {
			t.Errorf("%v: %v; %v", l, l.Err(), other)
		}
	})
}

// Nor may those that wait for the slow one fill the slots of renewals.
func TestFound_WaitingForASessionTakesNoSlot(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(2*time.Second))
		_ = l.Handle() // renewed by itself
		a.net.On(faultstore.Match{Times: 1, If: func(key string, _ lockstore.Write) bool { return isSession(key) }}, faultstore.BlackHole())
		for i := range 60 {
			a.take(fmt.Sprint("other", i), dynalock.KeepAlive())
		}
		pass(30 * time.Second)
		if !l.Held() {
			t.Errorf("%v: %v", l, l.Err())
		}
	})
}

// A lock does not move to a session that cannot be renewed.
func TestFound_NoMoveToADyingSession(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		a.take("first", dynalock.KeepAlive())
		pass(time.Minute)
		a.net.On(faultstore.Match{If: ofSession}, faultstore.Throttle())
		pass(7 * time.Second)
		l := a.take("k", dynalock.KeepAlive())
		pass(time.Minute)
		if !l.Held() {
			t.Errorf("its own key answers, and it is lost: %v", l.Err())
		}
	})
}

// An observer that does not return delays no renewal, and Close
// ends with its context.
func TestFound_ObserverOfASessionsRequests(t *testing.T) {
	for _, kind := range []string{"acquire", "get"} {
		t.Run(kind, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				over := make(chan struct{})
				a := w.machine("a", dynalock.WithObserver(func(_ context.Context, e dynalock.Event) {
					if e.Kind == dynalock.EventRequest && e.Step == kind && (kind == "get" || isSession(e.Key)) {
						<-over
					}
				}))
				l, second := a.take("k", dynalock.KeepAlive()), a.take("k2", dynalock.KeepAlive())
				pass(10 * time.Second)
				if kind == "get" { // a mark makes it look
					_, err := w.machine("op").ForceRelease(bg, "k2", second.Token())
					must(t, err)
				}
				pass(time.Minute)
				if !l.Held() {
					t.Error(l.Err())
				}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					ctx, cancel := context.WithTimeout(bg, time.Second)
					defer cancel()
					_ = a.Close(ctx)
				}()
				pass(time.Minute)
				if !isClosed(ended) {
					t.Error("Close hangs, though its context has ended")
				}
				close(over)
				pass(time.Minute)
			})
		})
	}
}
