package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Regressions of Extend, Update and Renew.

// An Extend that shortens may have been carried out though it failed. Of
// several tries only one bounded what the handle believed, the last or the
// first, and another had been carried out: somebody else got the lock first.
func TestRegress_OneOfManyShorteningTriesCounted(t *testing.T) {
	renewals := faultstore.Match{If: faultstore.Renewals}
	times := func(n int) faultstore.Match { return faultstore.Match{If: faultstore.Renewals, Times: n} }
	for name, tt := range map[string]struct {
		opt    dynalock.AcquireOption
		script func(net *faultstore.Store)
		leases []time.Duration
	}{
		"the first was made": {dynalock.WithoutLease(), func(net *faultstore.Store) {
			net.On(times(1), faultstore.BlackHoleApplied())
			net.On(renewals, faultstore.BlackHole())
		}, []time.Duration{10 * time.Second}},
		"the second call's was made": {dynalock.WithLease(time.Hour), func(net *faultstore.Store) {
			net.On(times(4), faultstore.Refuse500())
			net.On(times(1), faultstore.ApplyCut())
			net.On(renewals, faultstore.BlackHole())
		}, []time.Duration{10 * time.Minute, time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, c, o := w.machine("a"), w.machine("c"), oracle{t: w.t}
				l := o.add(a, a.take("k", tt.opt))
				tt.script(a.net)
				next := c.wait(background, "k", dynalock.Wait())
				for _, d := range tt.leases {
					if err := l.Extend(background, d); !errors.Is(err, dynalock.ErrUnavailable) {
						w.t.Fatal(err)
					}
				}
				shortest := tt.leases[len(tt.leases)-1]
				o.passWith(shortest+5*time.Second, c, next)
				if !next.over() {
					w.t.Error("no try was carried out: the test shows nothing")
				}
			})
		})
	}
}

// A shortening Extend that was certainly not carried out still bounded what
// the handle believed, and the lock was lost though its row said otherwise.
func TestRegress_RefusedExtendCostTheLock(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.WithLease(time.Hour))
		a.net.On(faultstore.Match{If: faultstore.Renewals}, faultstore.Throttle())
		if err := l.Extend(background, time.Minute); !errors.Is(err, dynalock.ErrThrottled) {
			w.t.Fatal(err)
		}
		pass(2 * time.Minute)
		if !l.Held() {
			w.t.Errorf("%v, row %+v", l.Err(), w.row("k"))
		}
	})
}

// A renewal in the background that had begun before an Extend and came after
// it wrote the former lease: what the caller had been promised was undone.
func TestRegress_RenewalUndidAnExtend(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive())
		pass(5 * time.Second)
		a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.Hold(4*time.Second))
		if err := l.Extend(background, 5*time.Minute); err != nil {
			w.t.Fatal(err)
		}
		pass(time.Second)
		r := w.row("k")
		if r.Seq < 3 {
			w.t.Error("no renewal came meanwhile: the test shows nothing")
		}
		if r.Lease != 5*time.Minute || time.Until(l.Deadline()) < 4*time.Minute {
			w.t.Errorf("lease %v, believed for %v", r.Lease, time.Until(l.Deadline()))
		}
	})
}

// A failing Update had the right to write for all its tries, and so no renewal
// was sent meanwhile: the lock was lost.
func TestRegress_FailingUpdateKeptRenewalsOut(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive())
		pass(5 * time.Second)
		a.net.On(faultstore.Match{If: faultstore.Updates}, faultstore.BlackHole())
		if err := l.Update(background, []byte("data")); !errors.Is(err, dynalock.ErrUnavailable) {
			w.t.Error(err)
		}
		if r := w.row("k"); !l.Held() || r.Seq < 2 {
			w.t.Errorf("%v, %d renewals meanwhile", l.Err(), r.Seq-1)
		}
	})
}

// A call that waited too long for the right to write failed with an error that
// matched nothing, not even a context's.
func TestRegress_WaitingToWriteFailedWithoutAKind(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.connect("a", faultstore.New(w.table), ignoresContexts)
		l := a.take("k")
		a.net.On(faultstore.Match{If: faultstore.Updates}, faultstore.Hold(time.Minute))
		go func() { _ = l.Update(background, nil) }()
		pass(time.Second)
		if err := l.Renew(background); !errors.Is(err, dynalock.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			w.t.Errorf("a limit of the library: %v", err)
		}
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		if err := l.Renew(ctx); !errors.Is(err, context.DeadlineExceeded) {
			w.t.Errorf("the caller's limit: %v", err)
		}
		pass(time.Minute)
		if err := l.Renew(background); err != nil {
			w.t.Error(err)
		}
	})
}

// The first acquire of a process with a short lease failed where the store
// tells its time to the second only: what the first answer showed of that time
// was later than the end that had been written by the local clock.
func TestRegress_FirstAcquireWithAShortLeaseFailed(t *testing.T) {
	for into := time.Duration(0); into < time.Second; into += 100 * time.Millisecond {
		inWorld(t, func(w *world) {
			pass(into)
			l, err := w.process("a").AcquireLock(background, "k", dynalock.WithLease(time.Second))
			if err != nil {
				w.t.Fatalf("%v into the second: %v", into, err)
			}
			if left := time.Until(l.Deadline()); left < 500*time.Millisecond {
				w.t.Errorf("%v into the second: %v, %v left", into, l, left)
			}
		}, dates())
	}
}
