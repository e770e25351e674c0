package dynalock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// beats lets time go by and fails the test unless the lock is held all the
// while and its row, or its session's, is renewed: no gap may be longer than
// most. A period is at most a third of the lease.
func beats(w *world, o *oracle, l *dynalock.Lock, d, most time.Duration) {
	w.t.Helper()
	seq, since, least := w.beats(l.Key()), time.Now(), w.beats(l.Key())+int64((d-most)/(lease/3))
	for end := time.Now().Add(d); time.Now().Before(end) && !w.t.Failed(); {
		o.pass(10 * time.Millisecond)
		if now := w.beats(l.Key()); now != seq {
			seq, since = now, time.Now()
		}
		if gap := time.Since(since); gap > most {
			w.t.Errorf("not renewed for %v", gap)
		}
	}
	if !l.Held() || seq < least {
		w.t.Errorf("%v, written %d times, want %d at least", l, seq, least)
	}
}

// period is the longest time between two renewals in peace.
const period = lease/3 + 20*time.Millisecond

// A lock that is taken right after the client's last one was released is renewed.
func TestB4_TakenAfterTheLastWasReleased(t *testing.T) {
	for _, between := range []time.Duration{0, 5 * time.Millisecond, 10 * time.Millisecond} {
		inWorld(t, func(w *world) {
			a, o := w.machine("a"), oracle{t: w.t}
			l := a.take("k", live()...)
			pass(1500 * time.Millisecond)
			if err := l.Release(background); err != nil {
				w.t.Fatal(err)
			}
			pass(between)
			beats(w, &o, o.add(a, a.take("k", live()...)), 4*lease, period)
		})
	}
}

// A garbled store carries one renewal out and answers with something that
// cannot be read.
type garbled struct {
	lockstore.Store
	met atomic.Int32
}

func (g *garbled) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	r, err := g.Store.Write(ctx, key, w)
	if err == nil && faultstore.Renewals(key, w) && g.met.Add(1) == 1 {
		return lockstore.Result{Applied: true, Time: r.Time},
			&lockstore.Error{Kind: lockstore.ErrMalformed, Op: "Write", Unknown: true}
	}
	return r, err
}

// One failure of any kind does not end the renewals.
func TestB4_OneFailureOfEachKind(t *testing.T) {
	for name, fault := range map[string]faultstore.Fault{
		"status 500":          faultstore.Refuse500(),
		"throttled":           faultstore.Throttle(),
		"connection dropped":  faultstore.ApplyCut(),
		"connection refused":  faultstore.Refuse(),
		"expired credentials": faultstore.Deny(),
		"swallowed":           faultstore.BlackHole(),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, o := w.machine("a"), oracle{t: w.t}
				l := o.add(a, a.take("k", live()...))
				rule := a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, fault)
				beats(w, &o, l, lease, 2*period) // one may take half of what is left
				beats(w, &o, l, 3*lease, period)
				if rule.Fired() != 1 || isClosed(l.Done()) {
					w.t.Errorf("the fault was met %d times; %v", rule.Fired(), l)
				}
			})
		})
	}
	t.Run("malformed answer", func(t *testing.T) {
		inWorld(t, func(w *world) {
			g := &garbled{}
			a := w.connect("a", faultstore.New(w.table), func(s lockstore.Store) lockstore.Store { g.Store = s; return g })
			o := oracle{t: w.t}
			l := o.add(a, a.take("k", live()...))
			beats(w, &o, l, 4*lease, period)
			if g.met.Load() < 2 {
				w.t.Error("no answer was garbled")
			}
		})
	})
}

// A client that lost a lock and takes it again renews it.
func TestB4_TakenAgainAfterALoss(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, o := w.machine("a"), w.machine("b"), oracle{t: w.t}
		l := o.add(a, a.take("k", live()...))
		next := b.wait(background, "k", liveWait()...)
		o.pass(time.Second)
		a.net.Down(faultstore.BlackHole())
		o.pass(2 * lease)
		o.add(b, next.within(w.t, 0))
		if !errors.Is(l.Err(), dynalock.ErrLost) {
			w.t.Fatal(l)
		}
		a.net.Up()
		again := a.wait(background, "k", liveWait()...)
		o.pass(time.Second)
		if err := next.lock.Release(background); err != nil {
			w.t.Fatal(err)
		}
		beats(w, &o, o.add(a, again.within(w.t, 2*time.Second)), 4*lease, period)
		if l.Held() {
			w.t.Error("a belief came back:", l)
		}
	})
}

// Users' code that panics does not end the renewals.
func TestB4_ObserverPanics(t *testing.T) {
	inWorld(t, func(w *world) {
		called := atomic.Int32{}
		o := oracle{t: w.t}
		a := w.machine("a", dynalock.WithObserver(func(context.Context, dynalock.Event) {
			called.Add(1)
			panic("of the user's code")
		}))
		l := o.add(a, a.take("k", live()...))
		a.net.On(faultstore.Match{If: faultstore.Renewals, Skip: 3, Times: 1}, faultstore.Refuse())
		beats(w, &o, l, 4*lease, period)
		if called.Load() < 10 {
			w.t.Errorf("called %d times", called.Load())
		}
		if err := l.Release(background); err != nil {
			w.t.Error(err)
		}
	})
}
