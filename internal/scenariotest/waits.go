package scenariotest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// waits is B3: waiting obeys the caller's budget and cancel, nothing else.
func waits() []scenario {
	all := []scenario{
		{name: "B3, a limit is wall time", run: limitIsWallTime},
		{name: "B3, no limit", run: noLimit},
	}
	return append(all, each("B3, cancel and Close are immediate", map[string]outage{
		"between reads":                 {fault: faultstore.Hold(0)},
		"between reads outside":         {fault: faultstore.Hold(0), outside: true},
		"read swallowed":                {fault: faultstore.BlackHole()},
		"first request swallowed":       {fault: faultstore.BlackHole(), before: true},
		"pauses between refused tries":  {fault: faultstore.Refuse(), before: true},
		"pauses between throttled ones": {fault: faultstore.Throttle(), before: true},
	}, endAtOnce)...)
}

// A wait with a limit lasts that long, however often the holder changes.
func limitIsWallTime(w *world) {
	a, b := w.machine("a"), w.machine("b")
	lease := pick(w, 3*time.Second, 1500*time.Millisecond)
	opts := []dynalock.AcquireOption{dynalock.KeepAlive(), dynalock.WithLease(lease)}
	a.take("k", opts...)
	began := time.Now()
	next := b.wait(bg, "k", dynalock.WaitFor(5*lease))
	changes := 0
	for end := began.Add(10 * lease); !next.over() && time.Now().Before(end); changes++ {
		w.pass(lease / 3)
		// Another tenure, without a moment in which nobody has the lock.
		_, err := a.ResumeLock(bg, "k", opts...)
		w.must(err)
	}
	w.await("the wait ends", w.soon(), next.over)
	if took := next.at.Sub(began); took < 5*lease || took > 5*lease+w.soon() {
		w.t.Errorf("gave up after %v", took)
	}
	if !errors.Is(next.err, dynalock.ErrHeld) || errors.Is(next.err, context.DeadlineExceeded) || changes < 5 {
		w.t.Errorf("after %d changes: %v, %v", changes, next.lock, next.err)
	}
}

// Without a limit a wait goes on, however many leases it lasts.
func noLimit(w *world) {
	a, b := w.machine("a"), w.machine("b")
	l := a.take("k", w.live()...)
	next := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.WithLease(dynalock.MinLease), dynalock.Wait())
	w.pass(pick(w, 20*w.lease(), 8*dynalock.MinLease))
	if next.over() || !l.Held() {
		w.t.Fatalf("%v, %v; %v", next.lock, next.err, l)
	}
	w.must(l.Release(bg))
	next.within(pick(w, time.Second, 5*time.Second))
}

// An outage is what a wait is in when it is ended.
type outage struct {
	fault   faultstore.Fault
	before  bool // it begins before the call
	outside bool // the queue is full
}

// A cancel ends a wait at once, in whatever state it is, and so does Close;
// that of the one who deals with the store, and of one who stands behind him.
func endAtOnce(w *world, o outage) {
	w.machine("holder").take("k")
	if o.outside {
		for i := range protocol.QueueBound {
			id := lockstore.Nonce(fmt.Sprintf("another's no. %02d", i))
			got, err := w.side.Write(bg, "k", protocol.Join(lockstore.Waiter{ID: id, Owner: "x"}))
			if w.must(err); !got.Applied {
				w.t.Fatal("the queue is full before its time")
			}
		}
	}
	poll := dynalock.WithPollInterval(30*time.Second, 30*time.Second)
	b, c := w.machine("b", poll), w.machine("c", poll)
	if o.before {
		b.net.Down(o.fault)
		c.net.Down(o.fault)
	}
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	cancelled := []*call{b.stand(ctx, "k", dynalock.Wait()), b.stand(ctx, "k", dynalock.Wait())}
	closed := []*call{c.stand(bg, "k", dynalock.Wait()), c.stand(bg, "k", dynalock.Wait())}
	w.pass(pick(w, 100*time.Millisecond, 500*time.Millisecond))
	b.net.Down(o.fault)
	c.net.Down(o.fault)
	w.pass(protocol.ClaimWindow / 3) // a read of who stands in the queue is due
	for i, call := range append(cancelled, closed...) {
		if call.over() {
			w.t.Fatalf("call %d ended by itself: %v, %v", i, call.lock, call.err)
		}
	}
	cancel()
	w.endWith(cancelled, context.Canceled)
	brief, stop := context.WithTimeout(bg, w.soon())
	defer stop()
	w.calls.Go(func() { _ = c.Close(brief) })
	w.endWith(closed, dynalock.ErrClosed)
}

// endWith judges calls that have to end now, with that error.
func (w *world) endWith(calls []*call, want error) {
	w.t.Helper()
	began := time.Now()
	for i, call := range calls {
		w.await(fmt.Sprint("call ", i, " ends with: ", want), w.soon(), call.over)
		if !errors.Is(call.err, want) || call.lock != nil || call.at.Sub(began) > w.soon() {
			w.t.Errorf("call %d: %v, %v after %v", i, call.lock, call.err, call.at.Sub(began))
		}
	}
}
