package dynalock_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// cycles are the ways in which one use of a lock can go.
var cycles = []func(t *testing.T, w *world, m *machine){
	func(t *testing.T, _ *world, m *machine) { // all is well
		l := m.take("well", dynalock.KeepAlive())
		time.Sleep(time.Millisecond) // fake time: called in a bubble
		must(t, l.Release(bg))
	},
	func(t *testing.T, _ *world, m *machine) { // held
		_, err := m.AcquireLock(bg, "taken", dynalock.WaitFor(time.Millisecond))
		if !errors.Is(err, dynalock.ErrHeld) {
			t.Fatal(err)
		}
	},
	func(t *testing.T, _ *world, m *machine) { // cancelled, with the answer on its way
		ctx, cancel := context.WithTimeout(bg, time.Millisecond)
		defer cancel()
		m.net.On(faultstore.Match{Op: faultstore.OpWrite, Key: "cancelled", Times: 1}, faultstore.Hold(2*time.Millisecond))
		if _, err := m.AcquireLock(ctx, "cancelled"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // fake time: called in a bubble
	},
	func(t *testing.T, w *world, m *machine) { // lost
		l := m.take("lost", dynalock.KeepAlive(), dynalock.WithLease(time.Second))
		ctx, cancel := l.Context(bg)
		defer cancel()
		w.table.Remove("lost")
		<-ctx.Done()
		if !errors.Is(l.Release(bg), dynalock.ErrLost) {
			t.Fatal(l.Err())
		}
	},
	func(t *testing.T, _ *world, m *machine) { // a release that fails
		l := m.take("failed")
		m.net.On(faultstore.Match{Op: faultstore.OpWrite, Key: "failed", Times: 1}, faultstore.Deny())
		if !errors.Is(l.Release(bg), dynalock.ErrAccessDenied) {
			t.Fatal("released")
		}
		must(t, l.Release(bg))
	},
}

// TestD7_NothingIsLeftOfManyCycles: after 10,000 cycles of all kinds a client
// has as many goroutines as a new one, and none once it is closed.
func TestD7_NothingIsLeftOfManyCycles(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		holder := w.machine("holder")
		holder.take("taken")
		baseline := inBubble()
		for range 40 { // a fault store looks through all its old rules: a new one now and then
			m := w.machine("m")
			for range 50 {
				for _, cycle := range cycles {
					cycle(t, w, m)
				}
			}
			time.Sleep(3 * time.Minute) // until what was cancelled has been looked at for the last time
			synctest.Wait()
			if n := inBubble(); n > baseline+2 {
				t.Fatalf("%d goroutines, and %d before", n, baseline)
			}
			m.net.Reset()
			time.Sleep(time.Hour)
			if n := m.net.Requests().Total(); n != 0 {
				t.Errorf("%d requests for nobody", n)
			}
			must(t, m.Close(bg))
			synctest.Wait()
			if n := inBubble(); n > baseline {
				t.Fatalf("%d goroutines after Close, and %d before", n, baseline)
			}
		}
	})
}

// inBubble counts the goroutines of the bubble: those of the process outside
// come and go.
func inBubble() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "synctest bubble")
}

// inFlight reports renewals of one lock that were under way at the same time.
func inFlight(t *testing.T, m *machine) (renewals int) {
	t.Helper()
	last := map[string]faultstore.Entry{} // by key: a session is renewed beside its locks
	for _, e := range m.net.Log() {
		if e.Op != faultstore.OpWrite {
			continue
		}
		if last := last[e.Key]; last.Op != 0 && last.End.After(e.Start) {
			t.Errorf("two at once:\n%v\n%v", last, e)
		}
		last[e.Key] = e
		renewals++
	}
	return renewals
}

// TestD7_OneRenewalAtATime: however slow the answers are.
func TestD7_OneRenewalAtATime(t *testing.T) {
	for _, slow := range []time.Duration{900 * time.Millisecond, 1100 * time.Millisecond, 4 * time.Second} {
		bubble(t, func(t *testing.T, w *world) {
			m := w.machine("m")
			var l *dynalock.Lock
			for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(100 * time.Millisecond) {
				if l == nil || !l.Held() {
					l = m.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second), dynalock.Wait())
					m.net.On(faultstore.Match{If: movesEnd}, faultstore.Hold(slow))
				}
			}
			if n := inFlight(t, m); n < 10 {
				t.Errorf("%v: %d writes", slow, n)
			}
		})
	}
}

// Nor do the user's own calls come beside one: the writes of a tenure are in a
// line.
func TestD7_OneWriteOfATenureAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("m")
		l := m.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		rng := rand.New(rand.NewPCG(1, 2))
		m.net.Seed(1, faultstore.Rates{Cut: 0.1, Hold: 0.5, Fail: 0.1, MaxDelay: 300 * time.Millisecond})
		var all sync.WaitGroup
		for range 4 {
			pause := time.Duration(rng.Int64N(int64(time.Second)))
			all.Go(func() {
				for range 20 {
					time.Sleep(pause)
					if err := l.Renew(bg); err != nil && !errors.Is(err, dynalock.ErrUnavailable) {
						t.Error(err)
					}
					if err := l.Update(bg, secretData); err != nil && !errors.Is(err, dynalock.ErrUnavailable) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		must(t, l.Release(bg))
		if n := inFlight(t, m); n < 150 {
			t.Errorf("%d writes", n)
		}
	})
}
