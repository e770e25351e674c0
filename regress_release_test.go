package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Regressions of Release, Close and Do.

// A release whose first answer was lost took any other nonce in the record for
// its success, also that of an owner who had gone on with the lock elsewhere.
func TestRegress_ReleaseHidThatItWasSuperseded(t *testing.T) {
	inWorld(t, func(w *world) {
		a, again := w.machine("a"), w.machine("a")
		l := a.take("k")
		resumed, err := again.ResumeLock(background, "k")
		if err != nil {
			w.t.Fatal(err)
		}
		a.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, faultstore.ApplyCut())
		var lost *dynalock.LostError
		if err := l.Release(background); !errors.As(err, &lost) || lost.Reason != dynalock.ReasonSuperseded {
			w.t.Error(err)
		}
		if err := resumed.Renew(background); err != nil {
			w.t.Error(err)
		}
	})
}

// Who joined a release under way got the end of another caller's context as
// its own error.
func TestRegress_ReleaseGaveAnotherCallersError(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.connect("a", faultstore.New(w.table), ignoresContexts)
		a.net.On(faultstore.Match{If: faultstore.Releases}, faultstore.Hold(3*time.Second))
		l := a.take("k")
		w.table.Remove("k")
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		first := make(chan error)
		go func() { first <- l.Release(ctx) }()
		pass(500 * time.Millisecond)
		err := l.Release(background)
		var lost *dynalock.LostError
		if !errors.As(err, &lost) || lost.Reason != dynalock.ReasonGone || errors.Is(err, context.DeadlineExceeded) {
			w.t.Error(err)
		}
		<-first
	})
}

// Release waited for an earlier write of the handle as long as that took, if
// the store did not heed the end of its context.
func TestRegress_ReleaseWaitedWithoutALimit(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.connect("a", faultstore.New(w.table), ignoresContexts)
		l := a.take("k")
		a.net.On(faultstore.Match{If: faultstore.Updates, Times: 1}, faultstore.Hold(2*time.Minute))
		go func() { _ = l.Update(background, nil) }()
		pass(time.Second)
		began := time.Now()
		err := l.Release(background)
		if took := time.Since(began); took > 30*time.Second {
			w.t.Errorf("took %v", took)
		}
		if !errors.Is(err, dynalock.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			w.t.Error(err)
		}
		pass(2 * time.Minute)
		if err := l.Release(background); err != nil || !w.row("k").Released {
			w.t.Errorf("repeated: %v, row %+v", err, w.row("k"))
		}
	})
}

// Close, too, waited for such a store beyond the end of its own context.
func TestRegress_CloseOutlastedItsContext(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.connect("a", faultstore.New(w.table), ignoresContexts)
		l := a.take("k", dynalock.KeepAlive())
		renewal := a.net.On(faultstore.Match{If: faultstore.Renewals}, faultstore.Hold(time.Minute))
		<-renewal.Done()
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		began := time.Now()
		if err := a.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(l.Err(), dynalock.ErrClosed) {
			w.t.Error(err, l.Err())
		}
		if took := time.Since(began); took > 1100*time.Millisecond {
			w.t.Errorf("took %v", took)
		}
		pass(time.Minute)
	})
}

// An observer of a renewal that closed the client waited for itself.
func TestRegress_CloseFromAnObserverHung(t *testing.T) {
	inWorld(t, func(w *world) {
		var a *machine
		closed := make(chan error, 1)
		a = w.machine("a", dynalock.WithObserver(func(_ context.Context, e dynalock.Event) {
			if e.Kind == dynalock.EventRenewed {
				closed <- a.Close(background)
			}
		}))
		l := a.take("k", dynalock.KeepAlive())
		select {
		case err := <-closed:
			if err != nil || !errors.Is(l.Err(), dynalock.ErrClosed) || !w.row("k").Released {
				w.t.Errorf("%v, %v, row %+v", err, l.Err(), w.row("k"))
			}
		case <-time.After(time.Minute):
			w.t.Fatal("Close never returned")
		}
	})
}

// Do gave a cancelled context's error where only the client had been closed.
func TestRegress_DoHidThatTheClientWasClosed(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		err := a.Do(background, "k", func(ctx context.Context, _ *dynalock.Lock) error {
			go func() { _ = a.Close(background) }()
			<-ctx.Done()
			time.Sleep(time.Second)
			return ctx.Err()
		})
		if errors.Is(err, context.Canceled) || !errors.Is(err, dynalock.ErrClosed) {
			w.t.Error(err)
		}
	})
}

// A release of a lock with HoldAtLeast asked for the store's time, and where that
// was not answered used up all the time it had.
func TestRegress_ReleaseWaitedForTheTime(t *testing.T) {
	for name, end := range map[string]func(context.Context, *machine, *dynalock.Lock) error{
		"Release": func(ctx context.Context, _ *machine, l *dynalock.Lock) error { return l.Release(ctx) },
		"Close":   func(ctx context.Context, a *machine, _ *dynalock.Lock) error { return a.Close(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := w.machine("a")
				l := a.take("k", dynalock.KeepAlive(), dynalock.HoldAtLeast(10*time.Second))
				pass(15 * time.Second)
				a.clock.SetWall(-time.Hour) // what is known of the store's time is vague
				a.net.On(faultstore.Match{Op: faultstore.OpGet}, faultstore.BlackHole())
				ctx, cancel := context.WithTimeout(background, 2*time.Second)
				defer cancel()
				err := end(ctx, a, l)
				if r := w.row("k"); err != nil || !r.Released && !r.Ended {
					w.t.Errorf("%v; row %+v", err, r)
				}
			})
		})
	}
}
