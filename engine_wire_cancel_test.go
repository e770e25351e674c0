package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// A3: a caller that gives up gets its error at once, and what its request took
// is given back behind it.
func TestEngineA3(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){
		"undo swallowed":          testUndoSwallowed,
		"cancel about the answer": testCancelAboutTheAnswer,
	}
	eachSDK(tests, "answer held", func(t *testing.T, sdk int) {
		testGaveUp(t, sdk, wiretest.Hold, slack)
	})
	// Found by the look 1 s after the call or, if it was delivered too late for
	// that, by the one after 5 s.
	eachSDK(tests, "request late", func(t *testing.T, sdk int) {
		testGaveUp(t, sdk, wiretest.Late, 5*time.Second+slack)
	})
	together(t, tests)
}

func testGaveUp(t *testing.T, sdk int, fault func(*wiretest.Gate) wiretest.Fault, within time.Duration) {
	e := newEngineTable(t)
	a := e.warm("a", sdk)
	gate := wiretest.NewGate()
	a.wire.On(1, fault(gate), wiretest.Acquire)
	ctx, cancel := context.WithTimeout(ever, 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	l, err := a.AcquireLock(ctx, "k", safeLive()...)
	if l != nil || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, dynalock.ErrHeld) {
		t.Fatalf("%v, %v", l, err)
	}
	if took := time.Since(began); took > 200*time.Millisecond+slack {
		t.Errorf("took %v", took)
	}
	time.Sleep(150 * time.Millisecond) // real time: the first look finds nothing of a late request
	gate.Open()
	eventually(t, within, "the row is free again", func() bool { return e.item("k") != nil && e.free("k") })
	if n := a.wire.Count(wiretest.Renew); n != 0 {
		t.Errorf("%d renewals of a lock that nobody has", n)
	}
	if _, err := e.client("b").AcquireLock(ever, "k"); err != nil {
		t.Error(err)
	}
}

// If the undoing does not get through either, the lock ends with its lease.
func testUndoSwallowed(t *testing.T) {
	e := newEngineTable(t)
	a, b := e.warm("a", 1), e.warm("b", 1)
	gate := wiretest.NewGate()
	a.wire.On(1, wiretest.Hold(gate), wiretest.Acquire)
	ctx, cancel := context.WithCancel(ever)
	go func() {
		<-gate.Arrived()
		a.wire.On(0, wiretest.BlackHole)
		cancel()
	}()
	began := time.Now()
	if l, err := a.AcquireLock(ctx, "k", safeLive()...); l != nil || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, %v", l, err)
	}
	next := b.wait("k", shortLive()...)
	eventually(t, safeLease/4, "it waits", func() bool { return e.queued("k") == 1 })
	was := e.item("k")
	time.Sleep(safeLease / 2) // real time: longer than it takes to renew
	e.unchanged("k", was)
	next.within(t, safeLease+slack)
	if took := next.at.Sub(began); took < safeLease {
		t.Errorf("taken over after %v of %v", took, safeLease)
	}
}

// Whatever the moment of the cancel: either a lock or an error, and no orphan.
func testCancelAboutTheAnswer(t *testing.T) {
	const rounds = 200
	e := newEngineTable(t)
	a := e.warm("a", 4)
	began := time.Now()
	a.take(t, "how long")
	usual := time.Since(began)
	won := 0
	for i := range rounds {
		ctx, cancel := context.WithTimeout(ever, rand.N(2*usual))
		l, err := a.AcquireLock(ctx, fmt.Sprint(i))
		switch {
		case (l == nil) == (err == nil):
			t.Fatalf("%d: %v, %v", i, l, err)
		case l != nil:
			won++
			if err := l.Release(ever); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		case !errors.Is(err, context.DeadlineExceeded):
			t.Fatalf("%d: %v", i, err)
		}
		cancel()
	}
	if won == 0 || won == rounds {
		t.Errorf("%d of %d won: the cancels are not about the answer", won, rounds)
	}
	for i := range rounds {
		eventually(t, 2*slack, fmt.Sprintf("%d is free", i), func() bool { return e.free(fmt.Sprint(i)) })
	}
}

// B3: a cancel takes effect at once, also while nothing answers.
func TestEngineCancelWhileSwallowed(t *testing.T) {
	t.Parallel()
	for what, opts := range map[string][]dynalock.AcquireOption{
		wiretest.Acquire: nil, wiretest.Get: {dynalock.Wait()},
	} {
		t.Run(what, func(t *testing.T) {
			e := newEngineTable(t)
			e.warm("b", 1).take(t, "k")
			// The best of several: a busy machine makes some of them slow. Each
			// by a new client: one that gave up looks after its place in the queue.
			best := time.Hour
			for range 5 {
				a := e.warm("a", 4)
				a.wire.On(0, wiretest.BlackHole, what)
				best = min(best, timeToCancel(t, a, what, opts))
			}
			if best > 50*time.Millisecond {
				t.Errorf("took %v", best)
			}
		})
	}
}

// timeToCancel acquires, cancels as soon as such a request is under way, and
// tells how long the call goes on.
func timeToCancel(t *testing.T, a *wired, what string, opts []dynalock.AcquireOption) time.Duration {
	t.Helper()
	a.wire.Forget()
	ctx, cancel := context.WithCancel(ever)
	ended := make(chan error, 1)
	go func() {
		_, err := a.AcquireLock(ctx, "k", opts...)
		ended <- err
	}()
	eventually(t, slack, "a request is under way", func() bool { return a.wire.Count(what) > 0 })
	cancelled := time.Now()
	cancel()
	err := <-ended
	took := time.Since(cancelled)
	// Only who has heard of a holder may say so.
	if !errors.Is(err, context.Canceled) || errors.Is(err, dynalock.ErrHeld) != (what == wiretest.Get) {
		t.Error(err)
	}
	return took
}
