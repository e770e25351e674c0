package dynalock_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// events collects what an observer is told, with the value that it finds in
// the context.
type events struct {
	mu   sync.Mutex
	all  []dynalock.Event
	span []any
}

type spanKey struct{}

func (e *events) observe(ctx context.Context, ev dynalock.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all, e.span = append(e.all, ev), append(e.span, ctx.Value(spanKey{}))
}

// of gives the events of that kind.
func (e *events) of(kind dynalock.EventKind) []dynalock.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.all), func(ev dynalock.Event) bool { return ev.Kind != kind })
}

// Every event of a call comes with the call's context, so that spans link;
// each observer gets all of them, and a panic of one stops nothing.
func TestObservers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var first, second events
		w.machine("b").take("k", dynalock.WithLease(time.Second))
		a := w.machine("a", dynalock.WithObserver(func(context.Context, dynalock.Event) { panic("an observer") }),
			dynalock.WithObserver(first.observe), dynalock.WithObserver(second.observe))
		ctx := context.WithValue(bg, spanKey{}, "span")
		l, err := a.AcquireLock(ctx, "k", dynalock.Wait())
		must(t, err)
		must(t, l.Update(ctx, []byte("x")))
		must(t, l.Release(ctx))
		time.Sleep(time.Second)
		for i, e := range first.all {
			if first.span[i] != "span" {
				t.Errorf("event %q of step %q came without the call's context", e.Kind, e.Step)
			}
		}
		for _, kind := range []dynalock.EventKind{dynalock.EventWaiting, dynalock.EventAcquired, dynalock.EventRequest, dynalock.EventReleased} {
			if len(first.of(kind)) == 0 || len(first.of(kind)) != len(second.of(kind)) {
				t.Errorf("%q: %d and %d events", kind, len(first.of(kind)), len(second.of(kind)))
			}
		}
		if e := first.of(dynalock.EventAcquired)[0]; !e.Waited || e.Token != l.Token() || e.Key != "k" || e.Owner != "a" || e.Took < time.Second {
			t.Errorf("%+v", e)
		}
	})
}

// A slow observer delays its caller, never a renewal: not the one that it is
// told of, nor those of other locks.
func TestSlowObserverDelaysNoRenewal(t *testing.T) {
	for _, kind := range []dynalock.EventKind{dynalock.EventRequest, dynalock.EventRenewed, dynalock.EventLost} {
		t.Run(string(kind), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				over := make(chan struct{})
				defer close(over) // whoever watches slowly has to end too
				slow := func(_ context.Context, e dynalock.Event) {
					if e.Kind == kind && (e.Step == "renew" || e.Step == "") {
						select {
						case <-time.After(30 * time.Second):
						case <-over:
						}
					}
				}
				a := w.machine("a", dynalock.WithObserver(slow))
				l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
				a.take("other", dynalock.WithLease(2*time.Second)) // lost after that
				time.Sleep(20 * time.Second)
				if !l.Held() {
					t.Error("lost by a slow observer:", l.Err())
				}
			})
		})
	}
}

// A client that nobody watches says as much as one that fails: nothing.
func TestRenewalEvents(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var e events
		a := w.machine("a", dynalock.WithObserver(e.observe))
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		time.Sleep(10 * time.Second)
		a.net.Down(faultstore.Refuse())
		<-l.Done()
		time.Sleep(time.Second) // observers are told behind what happens
		if n := len(e.of(dynalock.EventRenewed)); n < 9 || n > 12 {
			t.Errorf("%d renewals told in 10 s", n)
		}
		failed := e.of(dynalock.EventRenewFailed)
		if len(failed) == 0 || failed[0].Left <= 0 || failed[0].Err == nil {
			t.Errorf("%+v", failed)
		}
		lost := e.of(dynalock.EventLost)
		if len(lost) != 1 || lost[0].Reason != dynalock.ReasonExpired || lost[0].Token != l.Token() || lost[0].Held < 10*time.Second {
			t.Errorf("%+v", lost)
		}
	})
}

// What a client had left behind itself, by a request whose answer was lost, is
// no tenure of another whose lease had ended: nobody is told of a takeover.
func TestOwnLeftoverIsNoTakeover(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		seen := &events{}
		m := w.machine("a", dynalock.WithObserver(seen.observe))
		lost := m.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.BlackHoleApplied())
		ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
		defer cancel()
		if l, err := m.AcquireLock(ctx, "k", dynalock.WithLease(time.Minute)); err == nil {
			t.Fatalf("got %v", l)
		}
		<-lost.Done()
		if r := w.row("k"); r == nil || r.Released {
			t.Fatalf("it was not carried out: %+v", r)
		}
		m.take("k", dynalock.WithLease(time.Minute))
		if got := seen.of(dynalock.EventAcquired); len(got) != 1 || got[0].TakenOver {
			t.Errorf("%+v", got)
		}
	})
}
