package dynalock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Extend makes the lease longer or shorter, for the holder as for everybody
// else, and later renewals keep the new length.
func TestExtend(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithLease(10*time.Second))
		must(t, l.Extend(bg, time.Minute))
		if left := time.Until(l.Deadline()); left > time.Minute || left < 59*time.Second {
			t.Errorf("%v are left after Extend(1m)", left)
		}
		time.Sleep(50 * time.Second)
		must(t, l.Renew(bg))
		time.Sleep(50 * time.Second)
		if !l.Held() {
			t.Error("Renew did not keep the length that Extend gave:", l.Err())
		}
		must(t, l.Extend(bg, 2*time.Second))
		if r := w.row("k"); r.Lease != 2*time.Second || time.Until(r.Expires) > 2100*time.Millisecond {
			t.Errorf("the row promises %v until %v", r.Lease, r.Expires)
		}
		if took := endsBy(t, l, time.Minute); took > 2*time.Second || took < 1900*time.Millisecond {
			t.Errorf("the handle ended after %v", took)
		}
		matchesOnly(t, "after the lease", l.Err(), dynalock.ErrLost, dynalock.ErrNotHeld)
		b.take("k", dynalock.WaitFor(time.Second))
	})
}

// A live lock is renewed by the length that Extend gave, in time.
func TestExtendLive(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(time.Minute))
		must(t, l.Extend(bg, 2*time.Second))
		time.Sleep(time.Minute)
		if r := w.row("k"); !l.Held() || r.Lease != 2*time.Second {
			t.Errorf("lease %v, %v", r.Lease, l.Err())
		}
		must(t, l.Extend(bg, time.Hour))
		a.net.Reset()
		time.Sleep(time.Hour)
		// The end of the session of 2 s, the beginning of one of an hour, the
		// move to it, and its renewals.
		if n := a.net.Requests().Writes; !l.Held() || n < 4 || n > 6 {
			t.Errorf("%d writes in one lease, %v", n, l.Err())
		}
	})
}

func TestExtendKeepsHoldAtLeast(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithLease(time.Hour), dynalock.HoldAtLeast(time.Minute))
		must(t, l.Extend(bg, time.Second))
		a.crash()
		_, err := b.AcquireLock(bg, "k", dynalock.WaitFor(59*time.Second))
		matchesOnly(t, "before HoldAtLeast's end", err, dynalock.ErrHeld)
		b.take("k", dynalock.WaitFor(2*time.Second))
	})
}

// A shorter lease counts from when it may have been written: if its answer is
// lost the holder cannot go on believing in the longer one.
func TestExtendShorterAnswerLost(t *testing.T) {
	for name, opt := range map[string]dynalock.AcquireOption{
		"lease": dynalock.WithLease(time.Hour), "no lease": dynalock.WithoutLease(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				l := a.take("k", opt)
				time.Sleep(time.Minute) // until the client looks up only now and then
				a.net.Down(faultstore.BlackHoleApplied())
				if err := l.Extend(within(t, 100*time.Millisecond), 2*time.Second); err == nil {
					t.Fatal("a lost answer is no error")
				}
				endsBy(t, l, 1900*time.Millisecond)
				b.take("k", dynalock.WaitFor(time.Second))
			})
		})
	}
}

// The handle believes in the shortest of the leases that may be in force, not
// in the first or the last that it asked for.
func TestExtendShorterAndShorterAnswersLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithLease(time.Hour))
		a.net.Down(faultstore.BlackHole())
		_ = l.Extend(within(t, 100*time.Millisecond), 20*time.Second)
		a.net.Down(faultstore.BlackHoleApplied())
		_ = l.Extend(within(t, 100*time.Millisecond), 2*time.Second)
		b.take("k", dynalock.WaitFor(5*time.Second))
		if l.Held() {
			t.Error("two handles believe that they hold the lock")
		}
	})
}

// Asking again does not move the end of a shorter lease that may be in force.
func TestExtendRepeatedAnswersLost(t *testing.T) {
	for name, opt := range map[string]dynalock.AcquireOption{
		"lease": dynalock.WithLease(time.Hour), "no lease": dynalock.WithoutLease(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				l := a.take("k", opt)
				a.net.Down(faultstore.BlackHoleApplied())
				_ = l.Extend(within(t, 100*time.Millisecond), 2*time.Second)
				a.net.Down(faultstore.BlackHole())
				for range 5 {
					_ = l.Extend(within(t, 100*time.Millisecond), 2*time.Second)
					time.Sleep(400 * time.Millisecond)
				}
				b.take("k", dynalock.WaitFor(time.Second))
				if l.Held() {
					t.Error("two handles believe that they hold the lock")
				}
			})
		})
	}
}

// What was certainly not written shortens nothing.
func TestExtendShorterRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.WithLease(time.Hour))
		a.net.Down(faultstore.Deny())
		matchesOnly(t, "denied", l.Extend(bg, 2*time.Second), dynalock.ErrAccessDenied)
		a.net.Up()
		time.Sleep(time.Minute)
		if !l.Held() {
			t.Error("lost by an Extend that nobody carried out:", l.Err())
		}
	})
}

// Nobody's belief in a shared tenure may be cut short by another handle.
func TestExtendShared(t *testing.T) {
	extend := func(d time.Duration) func(*dynalock.Lock) error {
		return func(l *dynalock.Lock) error { return l.Extend(bg, d) }
	}
	for _, c := range []struct {
		name   string
		opts   []dynalock.AcquireOption
		second func(*dynalock.Lock) error // what the attached handle does first
		first  func(*dynalock.Lock) error // and then the original one
	}{
		{"own knowledge", []dynalock.AcquireOption{dynalock.WithLease(time.Hour)}, nil, extend(2 * time.Second)},
		{"renewed by the other", []dynalock.AcquireOption{dynalock.WithLease(2 * time.Second)}, extend(time.Hour), func(l *dynalock.Lock) error { return l.Renew(bg) }},
		{"kept alive", []dynalock.AcquireOption{dynalock.KeepAlive()}, extend(time.Hour), nil},
		{"no lease", []dynalock.AcquireOption{dynalock.WithoutLease()}, nil, extend(2 * time.Second)},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b, other := w.machine("a"), w.machine("b"), w.machine("other")
				l := a.take("k", c.opts...)
				m, err := b.AttachLock(bg, l.Handle())
				must(t, err)
				if c.second != nil {
					must(t, c.second(m))
				}
				if c.first != nil {
					must(t, c.first(l))
				}
				time.Sleep(15 * time.Second)
				a.crash()
				got, err := other.AcquireLock(bg, "k", dynalock.WaitFor(time.Minute))
				synctest.Wait()
				if err == nil && m.Held() {
					t.Errorf("%v was taken while the attached handle believes until %v", got, m.Deadline())
				}
			})
		})
	}
}
