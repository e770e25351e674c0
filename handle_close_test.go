package dynalock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Close frees what lives with the client, and leaves what does not.
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		var live []*dynalock.Lock
		for _, key := range []string{"live1", "live2", "live3"} {
			live = append(live, a.take(key, dynalock.KeepAlive()))
		}
		durable := a.take("durable")
		ctx, cancel := live[0].Context(bg)
		defer cancel()
		must(t, a.Close(bg))
		for _, l := range append(live, durable) {
			if l.Err() != dynalock.ErrClosed || !ended(l.Done()) {
				t.Errorf("%s: %v", l.Key(), l.Err())
			}
		}
		if context.Cause(ctx) != dynalock.ErrClosed {
			t.Error(context.Cause(ctx))
		}
		for _, l := range live {
			b.take(l.Key())
		}
		_, err := b.AcquireLock(bg, "durable")
		matchesOnly(t, "durable", err, dynalock.ErrHeld)
		if ok, err := w.machine("a").ReleaseLock(bg, "durable"); !ok || err != nil {
			t.Error(ok, err)
		}
		must(t, a.Close(bg)) // again
	})
}

// The store is the user's.
func TestCloseLeavesTheStoreAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		first := dynalock.New(w.table)
		must(t, first.Close(bg))
		second := dynalock.New(w.table)
		_, err := second.AcquireLock(bg, "k")
		must(t, err)
		must(t, second.Close(bg))
	})
}

// Whatever waits ends with ErrClosed, at once, and leaves nothing behind.
func TestCloseEndsWaitingCalls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.take("k")
		var all sync.WaitGroup
		for name, opts := range map[string]options{"wait": {dynalock.Wait()}, "wait for": {dynalock.WaitFor(time.Hour)}} {
			all.Go(func() {
				_, err := b.AcquireLock(bg, "k", opts...)
				matchesOnly(t, name, err, dynalock.ErrClosed)
			})
		}
		all.Go(func() {
			matchesOnly(t, "Do", b.Do(bg, "k", waits, dynalock.Wait()), dynalock.ErrClosed)
		})
		time.Sleep(time.Minute)
		start := time.Now()
		must(t, b.Close(bg))
		all.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// So does a try whose request is on its way; what it may have taken is given
// back before Close returns.
func TestCloseDuringATry(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		gate := faultstore.NewGate()
		a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, gate.After())
		result := make(chan error)
		go func() {
			_, err := a.AcquireLock(bg, "k", dynalock.WithoutLease())
			result <- err
		}()
		<-gate.Arrived()
		closed := make(chan error)
		go func() { closed <- a.Close(bg) }()
		matchesOnly(t, "the try", <-result, dynalock.ErrClosed)
		gate.Open()
		must(t, <-closed)
		if !w.row("k").Released {
			t.Errorf("%+v", w.row("k"))
		}
	})
}

// Close in an outage: its context bounds it, its error tells, and nothing runs
// on. What could not be released ends with its lease.
func TestCloseInAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.KeepAlive())
		a.net.Down(faultstore.BlackHole())
		took := tookTime(func() {
			err := a.Close(within(t, 2*time.Second))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
		if took != 2*time.Second || l.Held() {
			t.Errorf("took %v, held %v", took, l.Held())
		}
		a.net.Up()
		a.net.Reset()
		b.take("k", dynalock.WaitFor(dynalock.DefaultLiveLease+time.Second))
		if n := a.net.Requests().Total(); n != 0 {
			t.Errorf("%d requests after Close", n)
		}
	})
}

// Releases under way when Close comes are waited for.
func TestCloseWaitsForReleases(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		a.net.On(faultstore.Match{Op: faultstore.OpWrite}, faultstore.Delay(3*time.Second))
		matchesOnly(t, "Release", l.Release(within(t, time.Second)), context.DeadlineExceeded)
		must(t, a.Close(bg))
		if !w.row("k").Released {
			t.Error("Close came first")
		}
	})
}

// A client leaves no goroutine, whatever it was doing. goleak looks at the end
// of all tests; this one also says which client it was.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	bubble(t, func(t *testing.T, w *world) {
		for _, fault := range []faultstore.Fault{faultstore.Hold(0), faultstore.BlackHole(), faultstore.BlackHoleApplied(), faultstore.Refuse500()} {
			a := w.machine("a")
			a.take(fault.String()+"1", dynalock.KeepAlive(), dynalock.WithLease(time.Second))
			l := a.take(fault.String() + "2")
			a.net.Down(fault)
			go func() { _, _ = a.AcquireLock(bg, "k", dynalock.Wait()) }()
			go func() { _ = l.Release(within(t, time.Millisecond)) }()
			go func() { _, _ = a.AcquireLock(within(t, time.Millisecond), "x") }()
			time.Sleep(500 * time.Millisecond)
			_ = a.Close(within(t, time.Second))
			synctest.Wait()
		}
	})
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

// Close and everything else at once: nobody gets a lock that is not there.
func TestCloseAmidCalls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for round := range 50 {
			a := w.machine("a")
			a.net.On(faultstore.Match{}, faultstore.Delay(time.Millisecond))
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					time.Sleep(time.Duration(i*round) * 100 * time.Microsecond)
					l, err := a.AcquireLock(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
					if err == nil {
						err = l.Release(bg)
					}
					if err != nil && !errors.Is(err, dynalock.ErrClosed) {
						t.Error(err)
					}
				})
			}
			time.Sleep(time.Duration(round) * 300 * time.Microsecond)
			must(t, a.Close(bg))
			all.Wait()
			if r := w.row("k"); r != nil && !r.Released {
				t.Fatalf("round %d: %+v", round, r)
			}
		}
	})
}
