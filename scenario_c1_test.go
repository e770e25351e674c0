package dynalock_test

import (
	"errors"
	"slices"
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
	alone   bool  // under a session it shows otherwise: see TestC1_InASession
}

var losses = []loss{
	{"store silent", func(_ *testing.T, _ *world, a *machine, _ *dynalock.Lock) {
		a.net.Down(faultstore.BlackHole())
	}, dynalock.ReasonExpired, "", dynalock.ErrUnavailable, false},
	{"access denied", func(_ *testing.T, _ *world, a *machine, _ *dynalock.Lock) {
		a.net.Down(faultstore.Deny())
	}, dynalock.ReasonExpired, "", dynalock.ErrAccessDenied, false},
	{"taken by another", func(_ *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		// Whose clock is so wrong that he may: nothing else lets him.
		b := w.machine("b")
		b.net.On(faultstore.Match{}, faultstore.Skew(time.Hour))
		_, _ = b.GetLock(bg, "k")
		b.take("k")
	}, dynalock.ReasonTakenOver, "b", nil, true},
	{"item removed", func(_ *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		w.table.Remove("k")
	}, dynalock.ReasonGone, "", nil, true},
	{"forced", func(t *testing.T, w *world, _ *machine, l *dynalock.Lock) {
		_, err := w.machine("operator").ForceRelease(bg, "k", l.Token())
		must(t, err)
	}, dynalock.ReasonForced, "operator", nil, false},
	{"released by name", func(t *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		_, err := w.machine("a").ReleaseLock(bg, "k")
		must(t, err)
	}, dynalock.ReasonReleased, "a", nil, false},
	{"resumed by name", func(t *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
		_, err := w.machine("a").ResumeLock(bg, "k")
		must(t, err)
	}, dynalock.ReasonSuperseded, "a", nil, false},
	{"released by an attached handle", func(t *testing.T, w *world, _ *machine, l *dynalock.Lock) {
		m, err := w.machine("b").AttachLock(bg, l.Handle())
		must(t, err)
		must(t, m.Release(bg))
	}, dynalock.ReasonReleased, "a", nil, false},
}

// TestC1_WhyWasItLost: a store outage, a takeover and an operator look
// different, in the handle, its context and the event; each tells once, also of
// a lock that a session keeps alive.
func TestC1_WhyWasItLost(t *testing.T) {
	for _, c := range losses {
		t.Run(c.name, func(t *testing.T) { testWhyLost(t, c, (*machine).takeAlone) })
		if !c.alone {
			t.Run(c.name+", in a session", func(t *testing.T) { testWhyLost(t, c, (*machine).take) })
		}
	}
}

func testWhyLost(t *testing.T, c loss, take func(*machine, string, ...dynalock.AcquireOption) *dynalock.Lock) {
	bubble(t, func(t *testing.T, w *world) {
		var e events
		a := w.machine("a", dynalock.WithObserver(e.observe))
		l := take(a, "k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
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
		told := slices.DeleteFunc(e.of(dynalock.EventLost), func(e dynalock.Event) bool { return e.Key != "k" })
		if len(told) != 1 || told[0].Reason != c.reason || told[0].Err != l.Err() {
			t.Errorf("told: %+v", told)
		}
	})
}

// Under a session an item that was removed by hand shows with the handle's next
// request; and where somebody's wrong clock ends the session, all that is known
// of its locks is that they expired.
func TestC1_InASession(t *testing.T) {
	for _, c := range losses {
		if !c.alone {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a := w.machine("a")
				l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
				time.Sleep(10 * time.Second)
				c.provoke(t, w, a, l)
				time.Sleep(3 * time.Second)
				_ = l.Renew(bg)
				want := c.reason
				if want == dynalock.ReasonTakenOver {
					want = dynalock.ReasonExpired
				}
				if why := lost(t, l); why.Reason != want {
					t.Errorf("%+v", why)
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
