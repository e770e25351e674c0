package dynalocktest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// Each failure reaches the caller as itself, with nothing done.
func TestFail(t *testing.T) {
	for _, want := range []error{
		dynalock.ErrUnavailable, dynalock.ErrThrottled, dynalock.ErrAccessDenied, dynalock.ErrTableNotFound, dynalock.ErrTableSchema,
	} {
		bubble(t, func(t *testing.T, table *dynalocktest.Table) {
			client := table.Client()
			table.Fail(want)
			if _, err := client.AcquireLock(t.Context(), "k"); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if _, err := client.GetLock(t.Context(), "k"); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			for _, err := range client.Locks(t.Context()) {
				if !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			}
			table.Up()
			if table.Holder("k") != "" {
				t.Error("something was done")
			}
			acquire(t, client, "k")
		})
	}
}

// The next n of their kind, and no others; a client tries four times.
func TestFailSome(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		client := table.Client()
		table.FailWrites(4, dynalock.ErrThrottled)
		if _, err := client.GetLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrNotFound) {
			t.Error(err)
		}
		if _, err := client.AcquireLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrThrottled) {
			t.Error(err)
		}
		lock := acquire(t, client, "k")
		table.FailReads(1, dynalock.ErrAccessDenied)
		table.FailReads(3, dynalock.ErrUnavailable)
		if err := lock.Renew(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := client.GetLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrAccessDenied) {
			t.Error(err)
		}
		reads, writes := table.Cost(func() {
			if _, err := client.GetLock(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		})
		if reads != 4 || writes != 0 {
			t.Errorf("%d reads and %d writes", reads, writes)
		}
	})
}

// The client finds out what a write did whose answer was lost; if it cannot, it
// leaves nothing behind.
func TestLoseAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		client := table.Client(dynalock.WithLockOwnerName("a"))
		table.LoseAnswers(1)
		lock := acquire(t, client, "k")
		table.LoseAnswers(1)
		if err := lock.Release(t.Context()); err != nil || table.Holder("k") != "" {
			t.Errorf("%v, held by %q", err, table.Holder("k"))
		}
		table.LoseAnswers(4)
		if _, err := client.AcquireLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrUnavailable) || table.Holder("k") != "a" {
			t.Errorf("%v, held by %q", err, table.Holder("k"))
		}
		time.Sleep(time.Minute)
		if table.Holder("k") != "" {
			t.Error("it was left behind")
		}
	})
}

// Without an answer a call ends by itself, a live lock with its lease.
func TestDown(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		a, b := table.Client(), table.Client()
		lock := acquire(t, a, "k", dynalock.KeepAlive())
		time.Sleep(time.Minute)
		table.Only(a).Down()
		began := time.Now()
		if _, err := a.AcquireLock(t.Context(), "other"); !errors.Is(err, dynalock.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("given up after %v", took)
		}
		if _, err := b.AcquireLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrHeld) {
			t.Error(err)
		}
		<-lock.Done()
		if took := time.Since(began); took > dynalock.DefaultLiveLease || reason(lock.Err()) != dynalock.ReasonExpired {
			t.Errorf("%v after %v", lock.Err(), took)
		}
		time.Sleep(dynalock.DefaultLiveLease - time.Since(began) + time.Second)
		acquire(t, b, "k")
		table.Only(a).Up()
		acquire(t, a, "other")
	})
}

// For the table and for one client, each by itself.
func TestDownTwice(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		a, b := table.Client(), table.Client()
		table.Fail(dynalock.ErrAccessDenied)
		table.Only(a).Fail(dynalock.ErrTableNotFound)
		if _, err := a.AcquireLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrTableNotFound) {
			t.Error(err)
		}
		if _, err := b.AcquireLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrAccessDenied) {
			t.Error(err)
		}
		table.Up()
		if _, err := a.AcquireLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrTableNotFound) {
			t.Error(err)
		}
		acquire(t, b, "k")
		table.Only(a).LoseAnswers(1)
		table.Only(b).LoseAnswers(1)
		acquire(t, b, "mine")
		table.Only(a).Up()
		acquire(t, a, "too")
	})
}

func TestSlow(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		client := table.Client()
		table.Slow(time.Second)
		table.Only(client).Slow(time.Second)
		began := time.Now()
		lock := acquire(t, client, "k")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
		table.Slow(time.Minute)
		if _, err := client.GetLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrUnavailable) {
			t.Error(err)
		}
		table.Slow(0)
		table.Only(client).Up()
		began = time.Now()
		if err := lock.Renew(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// What is sent is counted, answered or not; what the test itself does is not.
func TestRequests(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		a, b := table.Client(), table.Client()
		table.Hold("held", "somebody")
		table.Wait("held", "another", 0)
		table.Force("held", "op")
		if reads, writes := table.Requests(); reads+writes != 0 {
			t.Errorf("%d reads, %d writes by the test", reads, writes)
		}
		acquire(t, a, "k")
		_, _ = b.GetLock(t.Context(), "k")
		for range b.Locks(t.Context()) {
		}
		table.Only(b).Fail(dynalock.ErrAccessDenied)
		_, _ = b.AcquireLock(t.Context(), "k")
		for name, count := range map[string]struct {
			link                  *dynalocktest.Link
			wantReads, wantWrites int
		}{"a": {table.Only(a), 0, 1}, "b": {table.Only(b), 2, 1}, "all": {table.Link, 2, 2}} {
			if reads, writes := count.link.Requests(); reads != count.wantReads || writes != count.wantWrites {
				t.Errorf("%s: %d reads, %d writes", name, reads, writes)
			}
		}
		lock := acquire(t, a, "live", dynalock.KeepAlive())
		if reads, writes := table.Cost(func() { time.Sleep(time.Hour) }); reads+writes < 300 || !lock.Held() {
			t.Errorf("%d reads, %d writes to keep a lock for an hour", reads, writes)
		}
	})
}

// A test in real time that ends while the store is down does not wait for what
// gets no answer.
func TestEndsWhileDown(t *testing.T) {
	began := time.Now()
	t.Run("a test", func(t *testing.T) {
		table := dynalocktest.New(t)
		client := table.Client()
		lock := acquire(t, client, "k")
		table.Down()
		go func() { _ = lock.Release(context.Background()) }()
		for _, writes := table.Requests(); writes < 2; _, writes = table.Requests() {
			time.Sleep(time.Millisecond) // real time: until the request is under way
		}
	})
	if took := time.Since(began); took > 4*time.Second { // a client gives up after 5 s
		t.Errorf("it took %v", took)
	}
}
