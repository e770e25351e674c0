package dynalock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// freeAfter checks when the lock can be had, counted from start.
func freeAfter(t *testing.T, m *machine, key string, start time.Time, least time.Duration) *dynalock.Lock {
	t.Helper()
	l, err := m.AcquireLock(bg, key, dynalock.WaitFor(100*time.Hour))
	must(t, err)
	if took := time.Since(start); took < least || took > least+least/1000+100*time.Millisecond {
		t.Errorf("free after %v, want %v", took, least)
	}
	return l
}

// HoldAtLeast keeps others out though the lock is released early, in whichever
// way, or its process ends.
func TestHoldAtLeast(t *testing.T) {
	const hold = time.Minute
	live := []dynalock.AcquireOption{dynalock.KeepAlive(), dynalock.WithLease(2 * time.Second), dynalock.HoldAtLeast(hold)}
	for _, c := range []struct {
		name string
		opts options
		end  func(t *testing.T, w *world, a *machine, l *dynalock.Lock)
	}{
		{"released", live, func(t *testing.T, _ *world, _ *machine, l *dynalock.Lock) { must(t, l.Release(bg)) }},
		{"durable", options{dynalock.HoldAtLeast(hold)}, func(t *testing.T, _ *world, _ *machine, l *dynalock.Lock) { must(t, l.Release(bg)) }},
		{"no lease", options{dynalock.WithoutLease(), dynalock.HoldAtLeast(hold)}, func(t *testing.T, _ *world, _ *machine, l *dynalock.Lock) { must(t, l.Release(bg)) }},
		{"after renewals", live, func(t *testing.T, _ *world, _ *machine, l *dynalock.Lock) {
			time.Sleep(20 * time.Second) // fake time: called in a bubble
			must(t, l.Release(bg))
		}},
		{"by key", live, func(t *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
			ok, err := w.machine("a").ReleaseLock(bg, "k")
			if !ok || err != nil {
				t.Error(ok, err)
			}
		}},
		{"attached", live, func(t *testing.T, w *world, _ *machine, l *dynalock.Lock) {
			m, err := w.machine("b").AttachLock(bg, l.Handle())
			must(t, err)
			must(t, m.Release(bg))
		}},
		{"resumed", live, func(t *testing.T, w *world, _ *machine, _ *dynalock.Lock) {
			m, err := w.machine("a").ResumeLock(bg, "k")
			must(t, err)
			must(t, m.Release(bg))
		}},
		{"closed", live, func(t *testing.T, _ *world, a *machine, _ *dynalock.Lock) { must(t, a.Close(bg)) }},
		{"crashed", live, func(_ *testing.T, _ *world, a *machine, _ *dynalock.Lock) { a.crash() }},
		{"crashed later", live, func(_ *testing.T, _ *world, a *machine, _ *dynalock.Lock) {
			time.Sleep(30 * time.Second) // fake time: called in a bubble
			a.crash()
		}},
		{"deleting", append(live, dynalock.DeleteOnRelease(), dynalock.WithData([]byte("x"))), func(t *testing.T, w *world, _ *machine, l *dynalock.Lock) {
			must(t, l.Release(bg))
			if r := w.row("k"); r == nil || r.Data != nil {
				t.Errorf("the item has to stay, without its data: %+v", r)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				start := time.Now()
				l := a.take("k", c.opts...)
				c.end(t, w, a, l)
				if m := freeAfter(t, b, "k", start, hold); m.Token() <= l.Token() {
					t.Errorf("token %d after %d", m.Token(), l.Token())
				}
			})
		})
	}
}

// Released later, it is free at once.
func TestHoldAtLeastIsOver(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.KeepAlive(), dynalock.HoldAtLeast(time.Minute))
		time.Sleep(61 * time.Second)
		must(t, l.Release(bg))
		b.take("k")
	})
}

// What is only held is nobody's: it is not to be updated or resumed, nor
// attached to, and releasing it again is fine.
func TestHoldOnlyRecord(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.HoldAtLeast(time.Minute), dynalock.WithData([]byte("kept")))
		handle := l.Handle()
		must(t, l.Release(bg))
		same := w.machine("a")
		_, err := same.ResumeLock(bg, "k")
		matchesOnly(t, "ResumeLock", err, dynalock.ErrNotHeld)
		matchesOnly(t, "UpdateLock", same.UpdateLock(bg, "k", nil), dynalock.ErrNotHeld)
		_, err = same.AttachLock(bg, handle)
		matchesOnly(t, "AttachLock", err, dynalock.ErrLost, dynalock.ErrNotHeld)
		if ok, err := same.ReleaseLock(bg, "k"); !ok || err != nil {
			t.Error(ok, err)
		}
		_, err = same.AcquireLock(bg, "k")
		var held *dynalock.HeldError
		if !errors.As(err, &held) || held.RetryAt.IsZero() || time.Until(held.RetryAt) > 61*time.Second {
			t.Errorf("%+v", held)
		}
		if m := same.take("k", dynalock.WaitFor(time.Hour)); string(m.Data()) != "kept" {
			t.Errorf("%q", m.Data())
		}
	})
}

// Renewals do not move the promise, in either direction.
func TestHoldAtLeastIsCountedFromTheAcquire(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		start := time.Now()
		l := a.take("k", dynalock.HoldAtLeast(time.Minute))
		time.Sleep(30 * time.Second)
		must(t, l.Renew(bg))
		must(t, l.Update(bg, []byte("x")))
		must(t, l.Release(bg))
		freeAfter(t, b, "k", start, time.Minute)
	})
}

// A waiter behind HoldAtLeast looks up when it ends: it need not poll for it.
func TestHoldAtLeastAndWaiters(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b", dynalock.WithPollInterval(time.Second, time.Minute))
		start := time.Now()
		must(t, a.take("k", dynalock.HoldAtLeast(10*time.Second)).Release(bg))
		m := b.take("k", dynalock.Wait())
		if took := time.Since(start); took < 10*time.Second || took > 11*time.Second+100*time.Millisecond {
			t.Errorf("%v after %v", m, took)
		}
	})
}

// A lock that was taken by mistake of an answer keeps nobody out: nobody did
// the work that the promise was for.
func TestHoldAtLeastOfAnAbandonedTry(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.Hold(time.Second))
		if _, err := a.AcquireLock(within(t, 100*time.Millisecond), "k", dynalock.HoldAtLeast(time.Hour)); err == nil {
			t.Fatal("no error")
		}
		time.Sleep(2 * time.Second)
		b.take("k")
	})
}

// HoldAtMost ends a lock that is renewed, with a reason of its own; others get
// it once its last lease is over.
func TestHoldAtMost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		start := time.Now()
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second), dynalock.HoldAtMost(time.Minute))
		if left := time.Until(l.Deadline()); left > 3*time.Second {
			t.Error(left)
		}
		endsBy(t, l, time.Minute+time.Millisecond)
		if took := time.Since(start); took < time.Minute-100*time.Millisecond || took > time.Minute {
			t.Errorf("ended after %v", took)
		}
		if why := lost(t, l); why.Reason != dynalock.ReasonHeldTooLong || why.Err != nil {
			t.Errorf("%+v", why)
		}
		a.net.Reset()
		b.take("k", dynalock.WaitFor(7*time.Second))
		for _, e := range a.net.Log() {
			// It may be released, and its session is, which has no lock any more.
			if e.Op == faultstore.OpWrite && e.What != "release" {
				t.Error("written after the end:", e)
			}
		}
	})
}

// It ends by itself: neither renewals nor a silent store move that.
func TestHoldAtMostInAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(time.Hour), dynalock.HoldAtMost(10*time.Second))
		must(t, l.Extend(bg, 2*time.Hour))
		a.net.Down(faultstore.BlackHole())
		endsBy(t, l, 10*time.Second+time.Millisecond)
		if why := lost(t, l); why.Reason != dynalock.ReasonHeldTooLong {
			t.Errorf("%+v", why)
		}
	})
}

// Both bounds together: at most ends the handle, at least keeps others out.
func TestHoldAtLeastAndAtMost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		start := time.Now()
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(time.Second), dynalock.HoldAtLeast(30*time.Second), dynalock.HoldAtMost(30*time.Second))
		endsBy(t, l, 30*time.Second+time.Millisecond)
		m := b.take("k", dynalock.Wait())
		if took := time.Since(start); took < 30*time.Second || took > 31*time.Second+100*time.Millisecond {
			t.Errorf("%v after %v", m, took) // its last lease may go beyond by its length
		}
	})
}

// Without a lease nothing but a release ends it.
func TestWithoutLease(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithoutLease())
		if r := w.row("k"); r.Lease != 0 || !r.Expires.IsZero() || !r.TTL.IsZero() {
			t.Errorf("%+v", r)
		}
		a.net.Reset()
		time.Sleep(100 * 365 * 24 * time.Hour)
		_, err := b.AcquireLock(bg, "k")
		matchesOnly(t, "a century later", err, dynalock.ErrHeld)
		if !l.Held() || a.net.Requests().Total() != 0 {
			t.Error(l.Err(), a.net.Requests())
		}
		must(t, l.Renew(bg))
		if r := w.row("k"); r.Lease != 0 || !r.Expires.IsZero() {
			t.Errorf("a renewal gave it a lease: %+v", r)
		}
		must(t, l.Release(bg))
		b.take("k")
	})
}
