package scenariotest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// closes is what Close does to whatever the client is busy with.
func closes() []scenario {
	return []scenario{
		{name: "Close, live and durable locks", run: closeLocks},
		{name: "Close, waiting calls", run: closeWaiting},
		{name: "Close, a few throttled", run: closeThrottledABit},
		{name: "Close, all throttled", run: func(w *world) { closeInVain(w, faultstore.Throttle()) }},
		{name: "Close, all swallowed", run: func(w *world) { closeInVain(w, faultstore.BlackHole()) }},
		{name: "Close, twice", run: closeTwice},
		{name: "Close, during an acquire", run: closeDuringAcquire},
	}
}

// settled lets locks move to their session.
func (w *world) settled() { w.pass(w.lease() / 2) }

// Live locks are free when Close returns, those in a session and those alone.
// Durable ones stay. Every handle has ended.
func closeLocks(w *world) {
	a, b := w.machine("a"), w.machine("b")
	locks := []*dynalock.Lock{
		a.take("live 1", w.live()...), a.take("live 2", w.live()...), alone.own(a.take("live 3", w.live()...)), a.take("durable"),
	}
	w.settled()
	session := w.row("live 1").Session
	if session == "" || w.row("live 2").Session != session || w.row("live 3").Session != "" {
		w.t.Fatalf("in the session %q: %+v, %+v", session, w.row("live 2"), w.row("live 3"))
	}
	ctx, cancel := locks[0].Context(bg)
	defer cancel()
	w.must(a.Close(w.within(10 * time.Second)))
	for _, l := range locks {
		if l.Err() != dynalock.ErrClosed || !over(l.Done()) || l.Held() {
			w.t.Errorf("%s: %v", l.Key(), l.Err())
		}
	}
	if context.Cause(ctx) != dynalock.ErrClosed {
		w.t.Error(context.Cause(ctx))
	}
	for _, l := range locks[:3] {
		b.take(l.Key())
	}
	if r := w.row(session); r != nil && !r.Released {
		w.t.Errorf("the session is left: %+v", r)
	}
	if _, err := b.AcquireLock(bg, "durable"); !errors.Is(err, dynalock.ErrHeld) {
		w.t.Errorf("durable: %v", err)
	}
	if ok, err := w.machine("a").ReleaseLock(bg, "durable"); !ok || err != nil {
		w.t.Errorf("durable: %v, %v", ok, err)
	}
}

// Whatever waits ends with ErrClosed, in the queue and in the client's line, and
// when Close returns its entry has left the queue.
func closeWaiting(w *world) {
	holder, a, b := w.machine("holder"), w.machine("a"), w.machine("b")
	first := holder.take("k", w.live()...)
	calls := []*call{
		a.stand(bg, "k", dynalock.Wait()), a.stand(bg, "k", dynalock.WaitFor(time.Hour)), a.stand(bg, "k", w.liveWait()...),
	}
	w.await("a queues", time.Second+w.soon(), func() bool { return slices.Equal(w.queue("k"), []string{"a"}) })
	next := b.wait(bg, "k", w.liveWait()...)
	w.await("b queues", time.Second+w.soon(), func() bool { return slices.Equal(w.queue("k"), []string{"a", "b"}) })
	began := time.Now()
	w.must(a.Close(w.within(10 * time.Second)))
	if q := w.queue("k"); !slices.Equal(q, []string{"b"}) || time.Since(began) > w.soon() {
		w.t.Errorf("%v after Close the queue is %v", time.Since(began), q)
	}
	w.endWith(calls, dynalock.ErrClosed)
	w.must(first.Release(bg))
	next.within(w.handOver())
}

// A table that refuses some of it for load does not keep Close from its work.
func closeThrottledABit(w *world) {
	holder, a, b := w.machine("holder"), w.machine("a"), w.machine("b")
	holder.take("held", w.live()...)
	a.take("k 1", w.live()...)
	a.take("k 2", w.live()...)
	waiting := a.wait(bg, "held", w.liveWait()...)
	w.settled()
	rule := a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 3}, faultstore.Throttle())
	w.must(a.Close(w.within(10 * time.Second)))
	w.endWith([]*call{waiting}, dynalock.ErrClosed)
	b.take("k 1")
	b.take("k 2")
	if rule.Fired() != 3 {
		w.t.Errorf("%d requests were throttled", rule.Fired())
	}
}

// In an outage its context bounds Close and its error tells. Nothing runs on,
// and what could not be released ends with its lease.
func closeInVain(w *world, f faultstore.Fault) {
	holder, a, b := w.machine("holder"), w.machine("a"), w.machine("b")
	holder.take("held", w.live()...)
	l, own := a.take("k", w.live()...), alone.own(a.take("own", w.live()...))
	waiting := a.wait(bg, "held", w.liveWait()...)
	w.settled()
	a.net.Down(f)
	const limit = time.Second
	began := time.Now()
	err := a.Close(w.within(limit))
	took := time.Since(began)
	if !errors.Is(err, context.DeadlineExceeded) || took > limit+w.soon() {
		w.t.Errorf("Close: %v after %v", err, took)
	}
	if l.Held() || own.Held() || l.Err() != dynalock.ErrClosed {
		w.t.Error(l, own)
	}
	w.endWith([]*call{waiting}, dynalock.ErrClosed)
	w.pass(100 * time.Millisecond) // what was under way has ended
	a.net.Up()
	a.net.Reset()
	rest := w.lease() + pick(w, time.Second, 6*time.Second)
	b.take("k", dynalock.WaitFor(rest))
	b.take("own", dynalock.WaitFor(rest))
	if n := a.net.Requests().Total(); n != 0 {
		w.t.Errorf("%d requests after Close", n)
	}
}

// Close may be called again, and by several at once.
func closeTwice(w *world) {
	a, b := w.machine("a"), w.machine("b")
	l := a.take("k", w.live()...)
	w.settled()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := a.Close(w.within(10 * time.Second)); err != nil {
				w.t.Error(err)
			}
		})
	}
	all.Wait()
	b.take("k")
	a.net.Reset()
	w.must(a.Close(bg))
	if n := a.net.Requests().Total(); n != 0 || l.Err() != dynalock.ErrClosed {
		w.t.Errorf("%d requests of a second Close; %v", n, l)
	}
	if _, err := a.AcquireLock(bg, "k"); !errors.Is(err, dynalock.ErrClosed) {
		w.t.Error(err)
	}
}

// A try whose answer is on its way ends at once, and what it took is given back
// before Close returns.
func closeDuringAcquire(w *world) {
	a := w.machine("a")
	gate := faultstore.NewGate()
	a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, gate.After())
	try := a.wait(bg, "k", dynalock.WithoutLease())
	<-gate.Arrived()
	closed := make(chan error, 1)
	w.calls.Go(func() { closed <- a.Close(w.within(10 * time.Second)) })
	w.await("the try ends", w.soon(), try.over)
	if !errors.Is(try.err, dynalock.ErrClosed) || try.lock != nil {
		w.t.Errorf("%v, %v", try.lock, try.err)
	}
	gate.Open()
	w.must(<-closed)
	if r := w.row("k"); r == nil || !r.Released {
		w.t.Errorf("%+v", r)
	}
}
