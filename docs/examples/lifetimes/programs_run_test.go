package lifetimes_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

func lost(err error, reason dynalock.Reason) bool {
	var e *dynalock.LostError
	return errors.As(err, &e) && e.Reason == reason
}

// free fails the test unless another gets the lock, after that time and not
// before.
func free(t *testing.T, other *dynalock.Client, key string, after time.Duration) {
	t.Helper()
	began := time.Now()
	lock, err := other.AcquireLock(t.Context(), key, dynalock.WaitFor(after+time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	// A waiter looks once a second at most; after a dead holder there are the
	// width of the clocks and its place in the queue besides.
	if took := time.Since(began); took < after-time.Second || took > after+10*time.Second {
		t.Errorf("free after %v, want %v", took, after)
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		if err := begin(t.Context(), table.Client(dynalock.WithLockOwnerName("import"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * 24 * time.Hour)
		other := table.Client()
		if _, err := other.AcquireLock(t.Context(), "import"); !errors.Is(err, dynalock.ErrHeld) {
			t.Errorf("after 29 days: %v", err)
		}
		err := finish(t.Context(), table.Client(dynalock.WithLockOwnerName("import")), func(_ context.Context, lock *dynalock.Lock) error {
			if string(lock.Data()) != "row 0" {
				t.Errorf("data %q", lock.Data())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		free(t, other, "import", 0)
	})
}

func TestWithLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		client, other := table.Client(), table.Client()
		part := func(context.Context) error { time.Sleep(40 * time.Minute); return nil }
		if err := backup(t.Context(), client, []func(context.Context) error{part, part, part}); err != nil {
			t.Error(err)
		}
		free(t, other, "backup", 0)
		slow := func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
		if err := backup(t.Context(), client, []func(context.Context) error{slow}); !lost(err, dynalock.ReasonExpired) {
			t.Errorf("a part of more than an hour: %v", err)
		}
		free(t, other, "backup", 0)
	})
}

func TestLeaseFromContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		client, other := table.Client(), table.Client()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := handler(ctx, client, func(ctx context.Context) error {
			if err := handler(ctx, other, func(context.Context) error { t.Error("both"); return nil }); err != nil {
				t.Error(err)
			}
			table.Down() // and the function is killed: no release gets through
			time.Sleep(30 * time.Second)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		table.Up()
		free(t, other, "reindex", 0) // since its lease ended while the release was tried
	})
}

func TestWithoutLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		if err := freeze(t.Context(), table.Client(dynalock.WithLockOwnerName("ops")), "holidays"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * 365 * 24 * time.Hour)
		other := table.Client()
		if _, err := other.AcquireLock(t.Context(), "deploy"); !errors.Is(err, dynalock.ErrHeld) {
			t.Errorf("after a hundred years: %v", err)
		}
		if err := thaw(t.Context(), table.Client(dynalock.WithLockOwnerName("ops"))); err != nil {
			t.Error(err)
		}
		free(t, other, "deploy", 0)
	})
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		client, other := table.Client(), table.Client()
		began := time.Now()
		err := lead(t.Context(), client, func(ctx context.Context) error {
			time.Sleep(time.Hour)
			if ctx.Err() != nil {
				t.Errorf("lost in peace: %v", context.Cause(ctx))
			}
			began = time.Now()
			table.Down() // cut off
			<-ctx.Done()
			return nil
		})
		if cut := time.Since(began); !lost(err, dynalock.ReasonExpired) || cut > dynalock.DefaultLiveLease {
			t.Errorf("%v, %v after it was cut off", err, cut)
		}
		table.Up()
		free(t, other, "leader", 0)
	})
}

func TestHoldAtLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		client, other := table.Client(), table.Client()
		times := 0
		job := func(context.Context) error { times++; return nil }
		for _, c := range []*dynalock.Client{client, other, client} {
			if err := everyMinute(t.Context(), c, job); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Second)
		}
		if times != 1 {
			t.Errorf("done %d times in half a minute", times)
		}
		free(t, other, "every-minute", 20*time.Second)
	})
}

func TestHoldAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		client, other := table.Client(), table.Client()
		began := time.Now()
		err := rebuild(t.Context(), client, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		if took := time.Since(began); !lost(err, dynalock.ReasonHeldTooLong) || took > 10*time.Minute+time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if err := rebuild(t.Context(), other, func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
