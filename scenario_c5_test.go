package dynalock_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// roundTrip is how long each request takes in this scenario.
const roundTrip = 10 * time.Millisecond

// TestC5_TryOfAHeldLock: one request, an answer at once, naming the holder.
func TestC5_TryOfAHeldLock(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		start := time.Now()
		l := w.machine("a").take("k", dynalock.WithLease(time.Minute))
		b := w.machine("b")
		b.net.On(faultstore.Match{}, faultstore.Delay(roundTrip))
		for range 3 {
			b.net.Reset()
			var err error
			took := tookTime(func() { _, err = b.AcquireLock(bg, "k") })
			var held *dynalock.HeldError
			if !errors.As(err, &held) || held.Owner != "a" || !held.Since.Equal(start) || held.Lease != time.Minute || held.Token != l.Token() {
				t.Errorf("%+v", held)
			}
			if n := b.net.Requests(); n.Writes > 1 || n.Gets > 1 || took >= 3*roundTrip {
				t.Errorf("%+v in %v", n, took)
			}
		}
	})
}

func TestC5_TryOfAFreeLock(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		a.net.On(faultstore.Match{}, faultstore.Delay(roundTrip))
		for _, key := range []string{"new", "new", "other"} {
			a.net.Reset()
			took := tookTime(func() { a.take(key) })
			if n := a.net.Requests(); n.Total() != 1 || took != roundTrip {
				t.Errorf("%+v in %v", n, took)
			}
			_, err := a.ReleaseLock(bg, key)
			must(t, err)
		}
	})
}

// TestC5_ManyTries: exactly one gets it, the others are told so in time.
func TestC5_ManyTries(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		var mu sync.Mutex
		got := map[bool]int{}
		for range 50 {
			m := w.machine("someone")
			m.net.On(faultstore.Match{}, faultstore.Delay(roundTrip))
			all.Go(func() {
				took := tookTime(func() {
					l, err := m.AcquireLock(bg, "k")
					if err != nil {
						matchesOnly(t, "a loser", err, dynalock.ErrHeld)
					}
					mu.Lock()
					got[l != nil]++
					mu.Unlock()
				})
				if took > 5*roundTrip {
					t.Errorf("a try took %v", took)
				}
			})
		}
		all.Wait()
		if got[true] != 1 || got[false] != 49 {
			t.Error(got)
		}
	})
}

// A try that fails leaves nothing behind, neither a record nor a change.
func TestC5_FailedTryLeavesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.take("k", dynalock.WithData([]byte("a's")))
		before := w.row("k")
		_, err := b.AcquireLock(bg, "k", dynalock.WithData([]byte("b's")), dynalock.DeleteOnRelease())
		matchesOnly(t, "held", err, dynalock.ErrHeld)
		if r := w.row("k"); r.Seq != before.Seq || r.Nonce != before.Nonce || string(r.Data) != "a's" || r.DeleteOnRelease {
			t.Errorf("%+v", r)
		}
		b.net.Down(faultstore.Deny())
		_, err = b.AcquireLock(bg, "new")
		matchesOnly(t, "denied", err, dynalock.ErrAccessDenied)
		if r := w.row("new"); r != nil {
			t.Errorf("%+v", r)
		}
	})
}

// A try does not wait behind another call of its client that hangs.
func TestC5_TryBesideAWait(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.take("k")
		go func() { _, _ = b.AcquireLock(within(t, time.Minute), "k", dynalock.Wait()) }()
		time.Sleep(time.Second)
		took := tookTime(func() {
			_, err := b.AcquireLock(bg, "k")
			matchesOnly(t, "held", err, dynalock.ErrHeld)
		})
		if took > 3*roundTrip {
			t.Errorf("took %v", took)
		}
		time.Sleep(time.Minute)
	})
}
