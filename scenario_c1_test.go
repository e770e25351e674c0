package dynalock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A loss is one way to lose a lock, and what its holder must be told.
type loss struct {
	name    string
	provoke func(t *testing.T, w *world, a *machine, l *dynalock.Lock)
	reason  dynalock.Reason
	by      string
	cause   error // what LostError.Err matches; nil: there is none
}

var losses = []loss{
	{"store silent", func(_ *testing.T, _ *world, a *machine, _ *dynalock.Lock) {
		a.net.Down(faultstore.BlackHole())
	}, dynalock.ReasonExpired, "", dynalock.ErrUnavailable},
	{"access denied", func(_ *testing.T, _ *world, a *machine, _ *dynalock.Lock) {
		a.net.Down(faultstore.Deny())
	}, dynalock.ReasonExpired, "", dynalock.ErrAccessDenied},
	{"taken by another", func(_ *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		// Whose clock is so wrong that he may: nothing else lets him.
		b := w.machine("b")
		b.net.On(faultstore.Match{}, faultstore.Skew(time.Hour))
		_, _ = b.GetLock(bg, "k")
		b.take("k")
	}, dynalock.ReasonTakenOver, "b", nil},
	{"item removed", func(_ *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		w.table.Remove("k")
	}, dynalock.ReasonGone, "", nil},
	{"forced", func(t *testing.T, w *world, _ *machine, l *dynalock.Lock) {
		_, err := w.machine("operator").ForceRelease(bg, "k", l.Token())
		must(t, err)
	}, dynalock.ReasonForced, "operator", nil},
	{"released by name", func(t *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		_, err := w.machine("a").ReleaseLock(bg, "k")
		must(t, err)
	}, dynalock.ReasonReleased, "a", nil},
	{"resumed by name", func(t *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		_, err := w.machine("a").ResumeLock(bg, "k")
		must(t, err)
	}, dynalock.ReasonSuperseded, "a", nil},
	{"released by an attached handle", func(t *testing.T, w *world, _ *machine, l *dynalock.Lock) {
		m, err := w.machine("b").AttachLock(bg, l.Handle())
		must(t, err)
		must(t, m.Release(bg))
	}, dynalock.ReasonReleased, "a", nil},
}

// TestC1_WhyWasItLost: a store outage, a takeover and an operator look
// different, in the handle, its context and the event; each tells once.
func TestC1_WhyWasItLost(t *testing.T) {
	for _, c := range losses {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				var e events
				a := w.machine("a", dynalock.WithObserver(e.observe))
				l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
				time.Sleep(10 * time.Second)
				c.provoke(t, w, a, l)
				endsBy(t, l, 3*time.Second)
				err := lost(t, l)
				if err.Key != "k" || err.Reason != c.reason || err.By != c.by {
					t.Errorf("%+v", err)
				}
				if (err.Err != nil) != (c.cause != nil) || c.cause != nil && !errors.Is(err, c.cause) {
					t.Errorf("the last failure is %v", err.Err)
				}
				want := []error{dynalock.ErrLost, dynalock.ErrNotHeld}
				if c.cause != nil {
					want = append(want, c.cause)
				}
				matchesOnly(t, "Err", l.Err(), want...)
				time.Sleep(time.Minute)
				if told := e.of(dynalock.EventLost); len(told) != 1 || told[0].Reason != c.reason || told[0].Err != l.Err() {
					t.Errorf("told: %+v", told)
				}
			})
		})
	}
}

// The loss shows no later than in the first call that fails for it, also of a
// lock that nothing renews.
func TestC1_LossComesWithTheFailingCall(t *testing.T) {
	for _, c := range losses[2:] {
		for name, do := range map[string]func(*dynalock.Lock) error{
			"Renew":   func(l *dynalock.Lock) error { return l.Renew(bg) },
			"Update":  func(l *dynalock.Lock) error { return l.Update(bg, []byte("x")) },
			"Release": func(l *dynalock.Lock) error { return l.Release(bg) },
		} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					a := w.machine("a")
					l := a.take("k", dynalock.WithLease(time.Minute))
					c.provoke(t, w, a, l)
					err := do(l)
					var why *dynalock.LostError
					if !errors.As(err, &why) || why.Reason != c.reason || why.By != c.by {
						t.Errorf("%v", err)
					}
					if !ended(l.Done()) || l.Held() {
						t.Error("the call failed, and the handle goes on")
					}
				})
			})
		}
	}
}

// Ended by us is no loss.
func TestC1_ClosedIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var e events
		a := w.machine("a", dynalock.WithObserver(e.observe))
		live, durable := a.take("live", dynalock.KeepAlive()), a.take("durable")
		must(t, a.Close(bg))
		for _, l := range []*dynalock.Lock{live, durable} {
			matchesOnly(t, l.Key(), l.Err(), dynalock.ErrClosed)
		}
		if told := e.of(dynalock.EventLost); len(told) != 0 {
			t.Errorf("%+v", told)
		}
	})
}

// A handle that tells more than one thing would be worse than none: what it
// said first stays.
func TestC1_TheFirstCauseStays(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		w.table.Remove("k")
		<-l.Done()
		first := l.Err()
		_ = l.Release(bg)
		_ = a.Close(bg)
		time.Sleep(time.Minute)
		if l.Err() != first {
			t.Errorf("%v became %v", first, l.Err())
		}
	})
}
