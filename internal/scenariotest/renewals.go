package scenariotest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A kind of live lock: one that shares a session's renewals, or has its own.
type kind bool

const (
	inSession kind = false
	alone     kind = true
)

// renewals is B4: every held lock is renewed until it is released or lost.
func renewals() (all []scenario) {
	for name, k := range map[string]kind{"in a session": inSession, "alone": alone} {
		all = append(all, each("B4, "+name, map[string]func(*world, kind){
			"taken after the last was released": takenAfterRelease,
			"taken again after a loss":          takenAfterLoss,
			"an observer panics":                observerPanics,
			"a malformed answer":                malformedRenewal,
		}, func(w *world, run func(*world, kind)) { run(w, k) })...)
		all = append(all, each("B4, "+name+", one failure", map[string]faultstore.Fault{
			"status 500":          faultstore.Refuse500(),
			"throttled":           faultstore.Throttle(),
			"connection dropped":  faultstore.ApplyCut(),
			"connection refused":  faultstore.Refuse(),
			"expired credentials": faultstore.Deny(),
			"swallowed":           faultstore.BlackHole(),
		}, func(w *world, f faultstore.Fault) { oneFailure(w, k, f) })...)
	}
	return all
}

// own keeps a lock out of its client's session where it is to be renewed alone:
// its handle may be in use elsewhere.
func (k kind) own(l *dynalock.Lock) *dynalock.Lock {
	if k == alone {
		_ = l.Handle()
	}
	return l
}

// period is the longest time between two renewals in peace.
func (w *world) period() time.Duration {
	return pick(w, w.lease()/3+30*time.Millisecond, w.lease())
}

// beats lets time go by and fails the scenario unless the lock is held all the
// while and renewed about once in a third of its lease, with no gap longer than
// most: by itself, or by its session.
func (w *world) beats(k kind, l *dynalock.Lock, d, most time.Duration) {
	w.t.Helper()
	first := w.writes(l.Key())
	n, since := first, time.Now()
	for end := time.Now().Add(d); time.Now().Before(end) && !w.t.Failed(); w.pass(2 * w.step()) {
		if now := w.writes(l.Key()); now != n {
			n, since = now, time.Now()
		}
		if gap := time.Since(since); gap > most {
			w.t.Errorf("not renewed for %v", gap)
		}
	}
	least := int64((d - most) / w.period())
	if got := n - first; !l.Held() || got < least || got > int64(d/(w.lease()*3/10))+4 {
		w.t.Errorf("%v, written %d times in %v", l, got, d)
	}
	if r := w.row(l.Key()); (r.Session == "") != (k == alone) {
		w.t.Errorf("in the session %q", r.Session)
	}
}

// writes is how often the lock was written, and what keeps it alive.
func (w *world) writes(key string) int64 {
	r := w.row(key)
	n := r.Seq
	if r.Session != "" {
		if s := w.row(r.Session); s != nil {
			n += s.Seq
		}
	}
	return n
}

func takenAfterRelease(w *world, k kind) {
	a := w.machine("a")
	l := k.own(a.take("k", w.live()...))
	w.pass(w.lease() / 2)
	w.must(l.Release(bg))
	w.pass(5 * time.Millisecond)
	w.beats(k, k.own(a.take("k", w.live()...)), 4*w.lease(), w.period())
}

func oneFailure(w *world, k kind, f faultstore.Fault) {
	a := w.machine("a")
	l := k.own(a.take("k", w.live()...))
	w.beats(k, l, w.lease(), w.period())
	rule := a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, f)
	w.beats(k, l, w.lease(), 2*w.period()) // one may take half of what is left
	w.beats(k, l, 2*w.lease(), w.period())
	if rule.Fired() != 1 || over(l.Done()) {
		w.t.Errorf("the fault was met %d times; %v", rule.Fired(), l)
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
	if err == nil && faultstore.Renewals(key, w) && g.met.Add(1) == 2 {
		return lockstore.Result{Applied: true, Time: r.Time},
			&lockstore.Error{Kind: lockstore.ErrMalformed, Op: "Write", Unknown: true}
	}
	return r, err
}

func malformedRenewal(w *world, k kind) {
	g := &garbled{}
	a := w.through(func(s lockstore.Store) lockstore.Store { g.Store = s; return g }, "a")
	w.beats(k, k.own(a.take("k", w.live()...)), 4*w.lease(), w.period())
	if g.met.Load() < 3 {
		w.t.Error("no answer was garbled")
	}
}

func takenAfterLoss(w *world, k kind) {
	a, b := w.machine("a"), w.machine("b")
	l := k.own(a.take("k", w.live()...))
	next := b.wait(bg, "k", w.liveWait()...)
	w.pass(w.lease() / 3)
	a.cut()
	held := next.within(2*w.lease() + pick(w, time.Second, 6*time.Second))
	if !errors.Is(l.Err(), dynalock.ErrLost) {
		w.t.Fatal(l)
	}
	a.net.Up()
	again := a.wait(bg, "k", w.liveWait()...)
	w.pass(w.lease() / 3)
	w.must(held.Release(bg))
	second := k.own(again.within(pick(w, 2*time.Second, 8*time.Second)))
	w.beats(k, second, pick(w, 4*w.lease(), 2*w.lease()), w.period())
	if l.Held() {
		w.t.Error("a belief came back:", l)
	}
}

// Users' code that panics does not end the renewals.
func observerPanics(w *world, k kind) {
	var called atomic.Int32
	a := w.machine("a", dynalock.WithObserver(func(context.Context, dynalock.Event) {
		called.Add(1)
		panic("of the user's code")
	}))
	l := k.own(a.take("k", w.live()...))
	a.net.On(faultstore.Match{If: faultstore.Renewals, Skip: 3, Times: 1}, faultstore.Refuse())
	w.beats(k, l, 4*w.lease(), w.period())
	if called.Load() < 6 {
		w.t.Errorf("called %d times", called.Load())
	}
	w.must(l.Release(bg))
}
