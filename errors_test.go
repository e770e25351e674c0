package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// The rows of the table of errors that a call by key can give: each matches
// what the table says and nothing else.
func TestErrorsOfCallsByKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k")
		handle := l.Handle()
		_, err := b.AcquireLock(bg, "k")
		matchesOnly(t, "acquire of a held one", err, dynalock.ErrHeld)
		_, err = a.AcquireLock(bg, "k")
		matchesOnly(t, "acquire of one's own", err, dynalock.ErrHeld)
		_, err = b.ReleaseLock(bg, "k")
		matchesOnly(t, "release of another's", err, dynalock.ErrOwnerMismatch)
		matchesOnly(t, "update of another's", b.UpdateLock(bg, "k", nil), dynalock.ErrOwnerMismatch)
		_, err = b.ResumeLock(bg, "k")
		matchesOnly(t, "resume of another's", err, dynalock.ErrOwnerMismatch)
		_, err = b.ForceRelease(bg, "k", l.Token()+1)
		matchesOnly(t, "force of another token", err, dynalock.ErrHeld)
		_, err = b.ForceRelease(bg, "k", 0)
		matchesOnly(t, "force of no token", err, dynalock.ErrHeld)
		if r := w.row("k"); r.Nonce == "" || r.Released || r.Owner != "a" || r.Seq != 1 {
			t.Errorf("a refused call changed the row: %+v", r)
		}
		_, err = b.AttachLock(bg, handle[:len(handle)-2])
		matchesOnly(t, "attach of a damaged handle", err, dynalock.ErrInvalidHandle)

		must(t, l.Release(bg))
		for _, state := range []string{"k", "never"} {
			matchesOnly(t, "update of a free one", a.UpdateLock(bg, state, nil), dynalock.ErrNotHeld)
			_, err = a.ResumeLock(bg, state)
			matchesOnly(t, "resume of a free one", err, dynalock.ErrNotHeld)
			_, err = b.ForceRelease(bg, state, l.Token())
			matchesOnly(t, "force of a free one", err, dynalock.ErrNotHeld)
			if ok, err := b.ReleaseLock(bg, state); !ok || err != nil {
				t.Error("release of a free one:", ok, err)
			}
		}
		_, err = b.AttachLock(bg, handle)
		matchesOnly(t, "attach of a free one", err, dynalock.ErrLost, dynalock.ErrNotHeld)
		_, err = a.GetLock(bg, "never")
		matchesOnly(t, "get", err, dynalock.ErrNotFound)
		if w.row("never") != nil {
			t.Error("a refused call made an item")
		}
	})
}

// What a handle says once it has ended.
func TestErrorsOfEndedHandles(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		released, lostOne, closed := a.take("released"), a.take("lost", dynalock.WithLease(time.Second)), a.take("closed")
		must(t, released.Release(bg))
		time.Sleep(time.Second)
		must(t, a.Close(bg))
		a.net.Reset()
		for _, c := range []struct {
			l    *dynalock.Lock
			want []error
		}{
			{released, []error{dynalock.ErrReleased}},
			{lostOne, []error{dynalock.ErrLost, dynalock.ErrNotHeld}},
			{closed, []error{dynalock.ErrClosed}},
		} {
			matchesOnly(t, c.l.Key()+": Err", c.l.Err(), c.want...)
			matchesOnly(t, c.l.Key()+": Renew", c.l.Renew(bg), c.want...)
			matchesOnly(t, c.l.Key()+": Extend", c.l.Extend(bg, time.Hour), c.want...)
			matchesOnly(t, c.l.Key()+": Update", c.l.Update(bg, nil), c.want...)
			if c.l != released {
				matchesOnly(t, c.l.Key()+": Release", c.l.Release(bg), c.want...)
			} else if err := c.l.Release(bg); err != nil {
				t.Error("repeated release:", err)
			}
			if !ended(c.l.Done()) || c.l.Held() || c.l.Deadline().After(time.Now()) {
				t.Errorf("%s: still there", c.l.Key())
			}
		}
		for _, call := range calls {
			matchesOnly(t, call.name, call.do(a.Client, bg, "k"), dynalock.ErrClosed)
		}
		if n := a.net.Requests().Total(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// A HeldError has what the caller needs to decide what to do.
func TestHeldError(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		start := time.Now()
		l := a.take("k", dynalock.WithLease(time.Minute))
		time.Sleep(10 * time.Second)
		for name, call := range map[error]func() error{
			dynalock.ErrHeld:          func() error { _, err := b.AcquireLock(bg, "k"); return err },
			dynalock.ErrOwnerMismatch: func() error { _, err := b.ReleaseLock(bg, "k"); return err },
		} {
			err := call()
			var held *dynalock.HeldError
			if !errors.As(err, &held) || !errors.Is(err, name) {
				t.Fatal(err)
			}
			if held.Key != "k" || held.Owner != "a" || held.Token != l.Token() || held.Lease != time.Minute ||
				!held.Since.Equal(start) || !held.Expires.Equal(start.Add(time.Minute)) {
				t.Errorf("%+v", held)
			}
			if wait := time.Until(held.RetryAt); wait < 50*time.Second || wait > 50*time.Second+100*time.Millisecond {
				t.Errorf("try again in %v", wait)
			}
		}
		// At that moment, a single try is enough.
		_, err := b.AcquireLock(bg, "k")
		var held *dynalock.HeldError
		errors.As(err, &held)
		time.Sleep(time.Until(held.RetryAt))
		b.take("k")
	})
}

func TestHeldErrorWithoutLease(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.take("k", dynalock.WithoutLease())
		_, err := b.AcquireLock(bg, "k")
		var held *dynalock.HeldError
		if !errors.As(err, &held) || held.Lease != 0 || !held.Expires.IsZero() || !held.RetryAt.IsZero() {
			t.Errorf("%+v", held)
		}
		time.Sleep(20 * 365 * 24 * time.Hour)
		_, err = b.AcquireLock(bg, "k")
		matchesOnly(t, "20 years later", err, dynalock.ErrHeld)
	})
}

// A failing store answers each request with the same failure.
type failingStore struct {
	lockstore.Store
	err error
}

func (s failingStore) Get(context.Context, string, lockstore.Consistency) (lockstore.Result, error) {
	return lockstore.Result{}, s.err
}
func (s failingStore) Write(context.Context, string, lockstore.Write) (lockstore.Result, error) {
	return lockstore.Result{}, s.err
}
func (s failingStore) Scan(context.Context, lockstore.Query) (lockstore.Page, error) {
	return lockstore.Page{}, s.err
}
func (s failingStore) CreateTable(context.Context, lockstore.TableOptions) error { return s.err }

// Each of the store's failures comes out of each call as what it is, and
// never as the end of the caller's context, whatever its cause was.
func TestStoreErrors(t *testing.T) {
	for _, kind := range []error{
		dynalock.ErrTableNotFound, dynalock.ErrTableSchema, dynalock.ErrAccessDenied, dynalock.ErrThrottled,
		dynalock.ErrUnavailable, dynalock.ErrMalformed, dynalock.ErrDataTooLarge,
	} {
		bubble(t, func(t *testing.T, w *world) {
			failure := &lockstore.Error{Kind: kind, Op: "Get", Scope: "locks", Advice: "do this", Err: context.DeadlineExceeded}
			c := dynalock.New(failingStore{w.table, failure})
			defer c.Close(bg)
			for _, call := range calls {
				if call.name == "AttachLock" || call.name == "AcquireLock, waiting" {
					continue // wants a handle; goes on as long as it may
				}
				err := call.do(c, bg, "k")
				matchesOnly(t, call.name, err, kind)
				var e *lockstore.Error
				if !errors.As(err, &e) || e.Advice != "do this" {
					t.Errorf("%s: the store's advice is gone: %v", call.name, err)
				}
			}
		})
	}
}

// The library's own time limits are ErrUnavailable, and there are some: no call
// hangs for ever on a network that swallows everything.
func TestOwnTimeLimits(t *testing.T) {
	for _, call := range calls {
		if call.name == "AcquireLock, waiting" || call.name == "CreateTable" {
			continue // waits for ever, as it was told; no request
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
				took := tookTime(func() { matchesOnly(t, call.name, call.do(b.Client, bg, "k"), dynalock.ErrUnavailable) })
				if took > 16*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// So are those of a handle's calls, also of one that stands behind another.
func TestOwnTimeLimitsOfHandle(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		a.net.Down(faultstore.BlackHole())
		done := make(chan struct{}, 3)
		for name, do := range map[string]func() error{
			"Update": func() error { return l.Update(bg, []byte("x")) },
			"Renew":  func() error { return l.Renew(bg) },
			"Extend": func() error { return l.Extend(bg, time.Hour) },
		} {
			go func() {
				matchesOnly(t, name, do(), dynalock.ErrUnavailable)
				done <- struct{}{}
			}()
		}
		for range 3 {
			<-done
		}
		synctest.Wait()
		if !l.Held() {
			t.Error("a failed change is no loss:", l.Err())
		}
	})
}

// Data that does not fit is refused, and the lock is not taken.
func TestDataTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		big := make([]byte, 400<<10)
		_, err := a.AcquireLock(bg, "k", dynalock.WithData(big))
		matchesOnly(t, "acquire", err, dynalock.ErrDataTooLarge)
		if w.row("k") != nil {
			t.Error("the lock was taken")
		}
		l := a.take("k", dynalock.WithData([]byte("small")))
		matchesOnly(t, "Update", l.Update(bg, big), dynalock.ErrDataTooLarge)
		matchesOnly(t, "UpdateLock", a.UpdateLock(bg, "k", big), dynalock.ErrDataTooLarge)
		if !l.Held() || string(l.Data()) != "small" || string(w.row("k").Data) != "small" {
			t.Error("something changed")
		}
	})
}
