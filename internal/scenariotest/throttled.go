package scenariotest

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// throttled is what becomes of renewals while the table refuses for load.
func throttled() (all []scenario) {
	for name, k := range map[string]kind{"in a session": inSession, "alone": alone} {
		all = append(all, each("throttled, "+name, map[string]func(*world, kind){
			"every second write":    everySecond,
			"a third of everything": thirdOfAll,
			"everything":            allThrottled,
		}, func(w *world, run func(*world, kind)) { run(w, k) })...)
	}
	return all
}

// A lock is kept though every second write to the store is refused.
func everySecond(w *world, k kind) {
	a, b := w.machine("a"), w.machine("b")
	l := k.own(a.take("k", w.live()...))
	w.settled()
	next := b.wait(bg, "k", w.liveWait()...)
	var n atomic.Int32
	rule := a.net.On(faultstore.Match{If: func(string, lockstore.Write) bool { return n.Add(1)%2 == 1 }}, faultstore.Throttle())
	w.keeps(k, l, next, rule.Fired)
}

// The same by chance, for reads too. Of what is left of a lease after a renewal
// is due there is time for about ten tries: where half of them were refused, all
// would be once in a thousand renewals.
func thirdOfAll(w *world, k kind) {
	a, b := w.machine("a"), w.machine("b")
	l := k.own(a.take("k", w.live()...))
	w.settled()
	next := b.wait(bg, "k", w.liveWait()...)
	a.net.Seed(1, faultstore.Rates{Throttle: 0.3})
	w.keeps(k, l, next, func() (n int) {
		for _, e := range a.net.Log() {
			if errors.Is(e.Err, lockstore.ErrThrottled) {
				n++
			}
		}
		return n
	})
}

// keeps judges a lock that must not be lost; its release is not refused for good.
func (w *world) keeps(k kind, l *dynalock.Lock, next *call, met func() int) {
	w.t.Helper()
	for range pick(w, 20, 4) {
		w.pass(w.lease())
		if !l.Held() || next.over() {
			w.t.Fatalf("%v; the next one: %v, %v", l, next.lock, next.err)
		}
	}
	if n := met(); n < pick(w, 15, 3) {
		w.t.Errorf("only %d requests were throttled", n)
	}
	if r := w.row("k"); (r.Session == "") != (k == alone) {
		w.t.Errorf("in the session %q", r.Session)
	}
	w.must(l.Release(bg))
	next.within(pick(w, time.Second, 5*time.Second))
}

// Where nothing gets through the lock is lost when its lease ends, for that
// cause, before the next one has it.
func allThrottled(w *world, k kind) {
	a, b := w.machine("a"), w.machine("b")
	l := k.own(a.take("k", w.live()...))
	w.pass(2 * w.lease())
	next := b.wait(bg, "k", w.liveWait()...)
	w.pass(w.lease() / 2)
	a.net.Down(faultstore.Throttle())
	sent := confirmed(a)
	ended := make(chan time.Time, 1)
	w.calls.Go(func() { <-l.Done(); ended <- time.Now() })
	next.within(2*w.lease() + pick(w, time.Second, 6*time.Second))
	var lost *dynalock.LostError
	if err := l.Err(); !errors.As(err, &lost) || lost.Reason != dynalock.ReasonExpired || !errors.Is(err, dynalock.ErrThrottled) {
		w.t.Fatalf("the lock ended with %v", err)
	}
	at := <-ended
	if took := at.Sub(sent); took > w.lease()+pick(w, 0, time.Second) || took < w.lease()*9/10 {
		w.t.Errorf("lost %v after the last renewal was sent", took)
	}
	if !w.real && !at.Before(next.at) {
		w.t.Errorf("lost at %v, and the next one has it at %v", at, next.at)
	}
	// Otherwise the lock tells; its goroutine may have been late.
}

// confirmed is when the last write was sent that a client knows to be applied.
func confirmed(m *machine) (sent time.Time) {
	for _, e := range m.net.Log() {
		if e.Op == faultstore.OpWrite && e.Applied && e.Err == nil {
			sent = e.Start
		}
	}
	return sent
}
