package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

var errWhy = errors.New("the caller's reason")

// A wait that the caller ended tells that, why, and who held the lock.
func TestWaitEndedByContext(t *testing.T) {
	for name, end := range map[string]func() (context.Context, func()){
		"cancel": func() (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(bg)
			time.AfterFunc(time.Minute, func() { cancel(errWhy) })
			return ctx, func() { cancel(nil) }
		},
		"deadline": func() (context.Context, func()) {
			return context.WithTimeoutCause(bg, time.Minute, errWhy)
		},
	} {
		bubble(t, func(t *testing.T, w *world) {
			l := w.machine("a").take("k")
			ctx, cancel := end()
			defer cancel()
			var err error
			took := tookTime(func() { _, err = w.machine("b").AcquireLock(ctx, "k", dynalock.Wait()) })
			matchesOnly(t, name, err, dynalock.ErrHeld, ctx.Err())
			var held *dynalock.HeldError
			if !errors.Is(err, errWhy) || !errors.As(err, &held) || held.Token != l.Token() {
				t.Errorf("%s: %v", name, err)
			}
			if took != time.Minute {
				t.Errorf("%s: took %v", name, took)
			}
		})
	}
}

// WaitFor that runs out is no context's end, and comes in time.
func TestWaitForRunsOut(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a").take("k")
		b := w.machine("b")
		for _, d := range []time.Duration{time.Millisecond, time.Second, time.Hour} {
			took := tookTime(func() {
				_, err := b.AcquireLock(within(t, 2*time.Hour), "k", dynalock.WaitFor(d))
				matchesOnly(t, "ran out", err, dynalock.ErrHeld)
			})
			if took != d {
				t.Errorf("WaitFor(%v) took %v", d, took)
			}
		}
	})
}

// "At most d" holds also while a request is on its way.
func TestWaitForIsALimitAlsoWhileTheStoreIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a").take("k")
		b := w.machine("b")
		for _, skip := range []int{0, 1} { // the first request, and the second
			silence := b.net.On(faultstore.Match{Skip: skip}, faultstore.BlackHole())
			took := tookTime(func() {
				_, err := b.AcquireLock(bg, "k", dynalock.WaitFor(time.Second))
				if err == nil || errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
			if took > time.Second+50*time.Millisecond {
				t.Errorf("WaitFor(1s) took %v when request %d got no answer", took, skip+1)
			}
			silence.Off()
		}
	})
}

// A context that ends before any answer says nothing of who holds the lock.
func TestContextEndsBeforeAnyAnswer(t *testing.T) {
	for _, opts := range []options{nil, {dynalock.Wait()}, {dynalock.WaitFor(time.Hour)}} {
		bubble(t, func(t *testing.T, w *world) {
			w.machine("a").take("k")
			b := w.machine("b")
			b.net.Down(faultstore.BlackHole())
			ctx, cancel := context.WithTimeoutCause(bg, 300*time.Millisecond, errWhy)
			defer cancel()
			var err error
			took := tookTime(func() { _, err = b.AcquireLock(ctx, "k", opts...) })
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errWhy) || errors.Is(err, dynalock.ErrHeld) {
				t.Error(err)
			}
			if took != 300*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A context that has ended already: the answer comes without a request.
func TestEndedContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		handle := l.Handle()
		a.net.Reset()
		ctx, cancel := context.WithCancelCause(bg)
		cancel(errWhy)
		for _, call := range calls {
			switch call.name {
			case "CreateTable": // nothing to do in a store without tables
				continue
			case "AttachLock":
				call.do = func(c *dynalock.Client, ctx context.Context, _ string) error {
					_, err := c.AttachLock(ctx, handle)
					return err
				}
			}
			err := call.do(a.Client, ctx, "k")
			matchesOnly(t, call.name, err, context.Canceled)
			if !errors.Is(err, errWhy) {
				t.Errorf("%s: the cause is gone: %v", call.name, err)
			}
		}
		matchesOnly(t, "Renew", l.Renew(ctx), context.Canceled)
		matchesOnly(t, "Update", l.Update(ctx, nil), context.Canceled)
		if n := a.net.Requests().Total(); n != 0 || !l.Held() {
			t.Errorf("%d requests, %v", n, l.Err())
		}
	})
}

// The caller's context ends each call at once, in the middle of a request, and
// the error says so.
func TestContextEndsDuringRequest(t *testing.T) {
	for _, call := range calls {
		if call.name == "CreateTable" {
			continue
		}
		t.Run(call.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				handle := a.take("k").Handle()
				if call.name == "AttachLock" {
					call.do = func(c *dynalock.Client, ctx context.Context, _ string) error {
						_, err := c.AttachLock(ctx, handle)
						return err
					}
				}
				b.net.Down(faultstore.BlackHole())
				ctx, cancel := context.WithTimeoutCause(bg, 300*time.Millisecond, errWhy)
				defer cancel()
				took := tookTime(func() {
					err := call.do(b.Client, ctx, "k")
					if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errWhy) || errors.Is(err, dynalock.ErrHeld) {
						t.Error(err)
					}
				})
				if took != 300*time.Millisecond {
					t.Errorf("came back after %v", took)
				}
			})
		})
	}
}

// The same of a handle's calls; Release goes on behind.
func TestContextEndsDuringHandlesRequest(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		a.net.Down(faultstore.BlackHole())
		for name, do := range map[string]func(context.Context) error{
			"Renew":  l.Renew,
			"Update": func(ctx context.Context) error { return l.Update(ctx, nil) },
			"Extend": func(ctx context.Context) error { return l.Extend(ctx, 24*time.Hour*60) },
		} {
			err := do(within(t, 100*time.Millisecond))
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, dynalock.ErrLost) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !l.Held() {
			t.Error("a failed change is no loss:", l.Err())
		}
		matchesOnly(t, "Release", l.Release(within(t, 100*time.Millisecond)), context.DeadlineExceeded)
		a.net.Up()
		time.Sleep(10 * time.Second)
		if !w.row("k").Released {
			t.Error("the release did not go on")
		}
	})
}
