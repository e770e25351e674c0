package dynalock_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

var errWork = errors.New("the work failed")

// Do holds for as long as the function runs, and frees the lock at once.
func TestDo(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		err := a.Do(bg, "k", func(ctx context.Context, l *dynalock.Lock) error {
			time.Sleep(5 * dynalock.DefaultLiveLease)
			if !l.Held() || ctx.Err() != nil || l.Key() != "k" {
				t.Error("not held to the end:", l.Err(), context.Cause(ctx))
			}
			_, err := b.AcquireLock(bg, "k")
			matchesOnly(t, "meanwhile", err, dynalock.ErrHeld)
			return nil
		})
		must(t, err)
		b.take("k")
	})
}

// A single error is passed on as it is.
func TestDoGivesTheFunctionsError(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		err := w.machine("a").Do(bg, "k", func(context.Context, *dynalock.Lock) error { return errWork })
		if err != errWork {
			t.Error(err)
		}
		if !w.row("k").Released {
			t.Error("not released")
		}
	})
}

func TestDoReleasesOnPanicAndGoexit(t *testing.T) {
	for name, leave := range map[string]func(){
		"panic":  func() { panic("gone") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a := w.machine("a")
				var l *dynalock.Lock
				over := make(chan any, 1)
				go func() {
					defer func() { over <- recover() }()
					_ = a.Do(bg, "k", func(_ context.Context, got *dynalock.Lock) error { l = got; leave(); return nil })
					t.Error("Do came back")
				}()
				if got := <-over; name == "panic" && got != "gone" {
					t.Errorf("the panic became %v", got)
				}
				if !w.row("k").Released || l.Err() != dynalock.ErrReleased {
					t.Error("not released:", l.Err())
				}
			})
		})
	}
}

// waits ends with the context that Do gave, as a well-behaved function does.
func waits(ctx context.Context, _ *dynalock.Lock) error {
	<-ctx.Done()
	return ctx.Err()
}

// When the lock is lost, the context error that the function gives back is
// none of the caller's: it must not look like one.
func TestDoLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		var cause error
		err := a.Do(bg, "k", func(ctx context.Context, l *dynalock.Lock) error {
			w.table.Remove("k")
			err := waits(ctx, l)
			cause = context.Cause(ctx)
			return err
		})
		matchesOnly(t, "Do", err, dynalock.ErrLost, dynalock.ErrNotHeld)
		matchesOnly(t, "the cause", cause, dynalock.ErrLost, dynalock.ErrNotHeld)
	})
}

// A loss shows though the function did not care, beside its own error.
func TestDoLostUnnoticed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		err := w.machine("a").Do(bg, "k", func(context.Context, *dynalock.Lock) error {
			w.table.Remove("k")
			time.Sleep(time.Minute)
			return errWork
		})
		matchesOnly(t, "Do", err, dynalock.ErrLost, dynalock.ErrNotHeld)
		if !errors.Is(err, errWork) {
			t.Error("the function's error is gone:", err)
		}
	})
}

// The client's end, and a release by key, end the function's context too. That
// is not the caller's doing either.
func TestDoEndedByOthers(t *testing.T) {
	for name, end := range map[string]func(*machine){
		"close":       func(m *machine) { _ = m.Close(bg) },
		"release key": func(m *machine) { _, _ = m.ReleaseLock(bg, "k") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a := w.machine("a")
				ended := make(chan struct{})
				time.AfterFunc(time.Second, func() { end(a); close(ended) })
				err := a.Do(bg, "k", waits)
				<-ended
				if errors.Is(err, context.Canceled) {
					t.Errorf("matches context.Canceled, and the caller cancelled nothing: %v", err)
				}
				if name == "close" && !errors.Is(err, dynalock.ErrClosed) {
					t.Error("does not tell that the client was closed:", err)
				}
			})
		})
	}
}

// The caller's own cancel is told as such, and the lock is released all the same.
func TestDoCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancelCause(bg)
		time.AfterFunc(time.Second, func() { cancel(errWork) })
		var cause error
		err := w.machine("a").Do(ctx, "k", func(ctx context.Context, l *dynalock.Lock) error {
			err := waits(ctx, l)
			cause = context.Cause(ctx)
			return err
		})
		matchesOnly(t, "Do", err, context.Canceled)
		if cause != errWork || !w.row("k").Released {
			t.Errorf("cause %v, row %+v", cause, w.row("k"))
		}
	})
}

// C4: a failed release does not hide what the function said, nor the reverse.
func TestDoReleaseFails(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		a.net.On(faultstore.Match{If: faultstore.Releases}, faultstore.Deny())
		err := a.Do(bg, "k", func(context.Context, *dynalock.Lock) error { return errWork })
		matchesOnly(t, "Do", err, dynalock.ErrAccessDenied)
		if !errors.Is(err, errWork) {
			t.Error("the function's error is gone:", err)
		}
	})
}

func TestDoWithoutTheLock(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.take("k")
		never := func(context.Context, *dynalock.Lock) error { t.Error("called"); return nil }
		matchesOnly(t, "held", b.Do(bg, "k", never), dynalock.ErrHeld)
		matchesOnly(t, "waited", b.Do(bg, "k", never, dynalock.WaitFor(time.Second)), dynalock.ErrHeld)
		matchesOnly(t, "nil function", b.Do(bg, "free", nil), dynalock.ErrInvalidOption)
		matchesOnly(t, "nil context", b.Do(noContext, "free", never), dynalock.ErrInvalidOption)
		matchesOnly(t, "no lease", b.Do(bg, "free", never, dynalock.WithoutLease()), dynalock.ErrInvalidOption)
		if w.row("free") != nil {
			t.Error("a refused Do made an item")
		}
	})
}
