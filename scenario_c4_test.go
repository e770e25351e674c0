package dynalock_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// TestC4_FailedReleaseIsNotForgotten: a release that did not get through is an
// error, and the next one really frees the row. The third sends nothing.
func TestC4_FailedReleaseIsNotForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		a.net.Down(faultstore.BlackHole())
		took := tookTime(func() {
			matchesOnly(t, "first", l.Release(within(t, 300*time.Millisecond)), context.DeadlineExceeded)
		})
		if took != 300*time.Millisecond || l.Held() || w.row("k").Released {
			t.Errorf("after %v: held %v, row %+v", took, l.Held(), w.row("k"))
		}
		a.net.Up()
		must(t, l.Release(bg))
		if !w.row("k").Released {
			t.Error("the second one said that the row is free")
		}
		a.net.Reset()
		must(t, l.Release(bg))
		if n := a.net.Requests().Total(); n != 0 {
			t.Errorf("%d requests by the third", n)
		}
	})
}

// One that was refused for good is sent again when asked again.
func TestC4_RefusedReleaseIsSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		a.net.Down(faultstore.Deny())
		matchesOnly(t, "denied", l.Release(bg), dynalock.ErrAccessDenied)
		matchesOnly(t, "denied again", l.Release(bg), dynalock.ErrAccessDenied)
		matchesOnly(t, "a handle that cannot come back", l.Err(), dynalock.ErrReleased)
		a.net.Up()
		must(t, l.Release(bg))
		if !w.row("k").Released {
			t.Error("not freed")
		}
	})
}

// A failed release is not forgotten by key either.
func TestC4_FailedReleaseThenByKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		a.take("k")
		a.net.Down(faultstore.Deny())
		if ok, err := a.ReleaseLock(bg, "k"); ok || err == nil {
			t.Error("denied, and still true:", ok, err)
		}
		a.net.Up()
		if ok, err := a.ReleaseLock(bg, "k"); !ok || err != nil || !w.row("k").Released {
			t.Errorf("%v %v %+v", ok, err, w.row("k"))
		}
	})
}

// Without a limit of the caller's, a release goes on behind him for 30 s.
func TestC4_ReleaseGoesOnBehindTheCaller(t *testing.T) {
	for outage, freed := range map[time.Duration]bool{20 * time.Second: true, time.Minute: false} {
		bubble(t, func(t *testing.T, w *world) {
			a := w.machine("a")
			l := a.take("k", dynalock.WithoutLease())
			a.net.Down(faultstore.Refuse())
			ctx, cancel := context.WithCancel(bg)
			cancel()
			matchesOnly(t, "cancelled", l.Release(ctx), context.Canceled)
			time.Sleep(outage)
			a.net.Up()
			time.Sleep(time.Minute)
			if w.row("k").Released != freed {
				t.Errorf("an outage of %v: released %v", outage, !freed)
			}
			must(t, l.Release(bg))
			if !w.row("k").Released {
				t.Error("not freed at the end")
			}
		})
	}
}

// Releasing what is known to be lost answers at once, the same each time.
func TestC4_ReleaseOfALostLock(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.WithLease(time.Second))
		<-l.Done()
		a.net.Down(faultstore.BlackHole())
		a.net.Reset()
		took := tookTime(func() {
			for range 3 {
				if err := l.Release(bg); err != l.Err() {
					t.Error(err)
				}
			}
		})
		if n := a.net.Requests().Total(); took > 5*time.Millisecond || n != 0 {
			t.Errorf("took %v and %d requests", took, n)
		}
	})
}

// Releases at one moment are one release.
func TestC4_ConcurrentReleases(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive())
		a.net.Reset()
		a.net.On(faultstore.Match{}, faultstore.Hold(time.Second))
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if i%2 == 0 {
					if ok, err := a.ReleaseLock(bg, "k"); !ok || err != nil {
						t.Error(ok, err)
					}
				} else if err := l.Release(bg); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if r := w.row("k"); !r.Released || r.Seq != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// The answer to a release may be lost; the repetition meets its own work.
func TestC4_ReleaseAnswerLost(t *testing.T) {
	for name, opts := range map[string]options{
		"keep": nil, "delete": {dynalock.DeleteOnRelease()}, "hold": {dynalock.HoldAtLeast(time.Hour)},
	} {
		for _, fault := range []faultstore.Fault{faultstore.ApplyCut(), faultstore.Apply500(), faultstore.Hold(6 * time.Second)} {
			t.Run(name+", "+fault.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					a := w.machine("a")
					l := a.take("k", opts...)
					a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, fault)
					must(t, l.Release(bg))
					r := w.row("k")
					if free := r == nil || r.Released || r.Ended; !free {
						t.Errorf("%+v", r)
					}
					must(t, l.Release(bg))
				})
			})
		}
	}
}
