package dynalocktest_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// What follows are small programs that use locks, each with the tests that it
// should have.

// lead does its work every second for as long as it is the leader, and does not
// for a moment longer.
func lead(ctx context.Context, client *dynalock.Client, work func()) error {
	return client.Do(ctx, "leader", func(ctx context.Context, _ *dynalock.Lock) error {
		for {
			work()
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
		}
	}, dynalock.Wait())
}

// Whatever ends the lock, the work ends, and the error says why. Down needs the
// rest of the lease for that, the others one renewal.
func TestLeaderStops(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(*dynalocktest.Table)
		want    dynalock.Reason
	}{
		"cut off":    {func(b *dynalocktest.Table) { b.Down() }, dynalock.ReasonExpired},
		"taken over": {func(b *dynalocktest.Table) { b.TakeOver("leader", "another") }, dynalock.ReasonTakenOver},
		"forced":     {func(b *dynalocktest.Table) { b.Force("leader", "operator") }, dynalock.ReasonForced},
		"released":   {func(b *dynalocktest.Table) { b.Release("leader") }, dynalock.ReasonReleased},
		"removed":    {func(b *dynalocktest.Table) { b.Remove("leader") }, dynalock.ReasonGone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := dynalocktest.New(t)
				var worked atomic.Int64
				stopped := make(chan error, 1)
				go func() {
					stopped <- lead(t.Context(), table.Client(dynalock.WithLockOwnerName("web-1")), func() { worked.Add(1) })
				}()
				time.Sleep(time.Minute)
				if table.Holder("leader") != "web-1" || worked.Load() < 60 {
					t.Fatalf("%q leads, %d times worked", table.Holder("leader"), worked.Load())
				}

				test.happens(table)
				var lost *dynalock.LostError
				if err := <-stopped; !errors.As(err, &lost) || lost.Reason != test.want {
					t.Errorf("it ended with %v, not because it was %s", err, test.want)
				}
				before := worked.Load()
				time.Sleep(time.Minute)
				if worked.Load() != before {
					t.Error("it works without a lock")
				}
			})
		})
	}
}

// Of two processes one is cut off: the other one leads, and at no moment both.
func TestLeaderMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		first := table.Client(dynalock.WithLockOwnerName("web-1"))
		second := table.Client(dynalock.WithLockOwnerName("web-2"))
		stopped := make(chan error, 1)
		go func() { stopped <- lead(t.Context(), first, func() {}) }()
		synctest.Wait()
		go func() {
			_ = lead(t.Context(), second, func() {
				if len(stopped) == 0 {
					t.Error("two lead")
				}
			})
		}()
		time.Sleep(time.Minute)

		table.Only(first).Down()
		time.Sleep(time.Minute)
		if table.Holder("leader") != "web-2" {
			t.Errorf("%q leads", table.Holder("leader"))
		}
	})
}

// nightly makes the report, unless another machine does.
func nightly(ctx context.Context, client *dynalock.Client, report func()) error {
	lock, err := client.AcquireLock(ctx, "nightly-report", dynalock.WithLease(time.Hour))
	if errors.Is(err, dynalock.ErrHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	report()
	return lock.Release(ctx)
}

// No bubble is needed where no time has to pass.
func TestNightly(t *testing.T) {
	var reports int
	if err := nightly(t.Context(), dynalocktest.NewClient(t), func() { reports++ }); err != nil || reports != 1 {
		t.Errorf("%v, %d reports", err, reports)
	}
}

func TestNightlyElsewhere(t *testing.T) {
	table := dynalocktest.New(t)
	table.Hold("nightly-report", "the other machine")
	reported := false
	if err := nightly(t.Context(), table.Client(), func() { reported = true }); err != nil || reported {
		t.Errorf("%v, reported: %v", err, reported)
	}
}

// The other machine died in the middle, and its hour is over.
func TestNightlyAfterDeath(t *testing.T) {
	table := dynalocktest.New(t)
	table.Hold("nightly-report", "the other machine", dynalock.WithLease(time.Hour))
	table.Expire("nightly-report")
	reported := false
	if err := nightly(t.Context(), table.Client(), func() { reported = true }); err != nil || !reported {
		t.Errorf("%v, reported: %v", err, reported)
	}
}

// Two requests a night, and none of them a read.
func TestNightlyCost(t *testing.T) {
	table := dynalocktest.New(t)
	client := table.Client()
	reads, writes := table.Cost(func() {
		if err := nightly(t.Context(), client, func() {}); err != nil {
			t.Error(err)
		}
	})
	if reads != 0 || writes > 2 {
		t.Errorf("%d reads and %d writes", reads, writes)
	}
}

// The store goes away for longer than a call tries; and the answer of the
// acquire gets lost, which must not cost us the report.
func TestNightlyOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		client := table.Client()
		table.Down()
		err := nightly(t.Context(), client, func() { t.Error("a report without a lock") })
		if !errors.Is(err, dynalock.ErrUnavailable) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
		table.Up()

		table.LoseAnswers(1)
		reported := false
		if err := nightly(t.Context(), client, func() { reported = true }); err != nil || !reported {
			t.Errorf("%v, reported: %v", err, reported)
		}
	})
}

// deploy waits for its turn, for ten minutes at most.
func deploy(ctx context.Context, client *dynalock.Client) error {
	return client.Do(ctx, "deploy", func(context.Context, *dynalock.Lock) error {
		return nil
	}, dynalock.WaitFor(10*time.Minute))
}

func TestDeployWaits(t *testing.T) {
	for name, test := range map[string]struct {
		before time.Duration
		want   error
	}{
		"in time":  {8 * time.Minute, nil},
		"too long": {11 * time.Minute, dynalock.ErrHeld},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := dynalocktest.New(t)
				first := table.Hold("deploy", "first")
				table.Wait("deploy", "second", test.before)
				done := make(chan error, 1)
				go func() { done <- deploy(t.Context(), table.Client(dynalock.WithLockOwnerName("third"))) }()
				synctest.Wait()
				if w := table.Waiters("deploy"); len(w) != 2 || w[1] != "third" {
					t.Errorf("%q wait", w)
				}
				if err := first.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := <-done; !errors.Is(err, test.want) {
					t.Errorf("%v, want %v", err, test.want)
				}
			})
		})
	}
}

// importRows imports rows up to the last one, and goes on where a former process
// of the job stopped: the lock keeps where that was.
func importRows(ctx context.Context, client *dynalock.Client, last int, row func(int) error) error {
	lock, err := client.ResumeLock(ctx, "import")
	if errors.Is(err, dynalock.ErrNotHeld) {
		lock, err = client.AcquireLock(ctx, "import", dynalock.WithData([]byte("0")))
	}
	if err != nil {
		return err
	}
	next, err := strconv.Atoi(string(lock.Data()))
	if err != nil {
		return err
	}
	for ; next <= last; next++ {
		if err := row(next); err != nil {
			return err // the lock stays: the job is not done
		}
		if err := lock.Update(ctx, []byte(strconv.Itoa(next+1))); err != nil {
			return err
		}
	}
	return lock.Release(ctx)
}

func TestImportGoesOn(t *testing.T) {
	table := dynalocktest.New(t)
	job := func() *dynalock.Client { return table.Client(dynalock.WithLockOwnerName("importer")) }
	crash := errors.New("the function was stopped")
	var rows []int
	err := importRows(t.Context(), job(), 4, func(n int) error {
		if n == 3 {
			return crash
		}
		rows = append(rows, n)
		return nil
	})
	if err != crash || table.Holder("import") != "importer" {
		t.Fatalf("%v, held by %q", err, table.Holder("import"))
	}
	err = importRows(t.Context(), job(), 4, func(n int) error { rows = append(rows, n); return nil })
	if err != nil || len(rows) != 5 || rows[3] != 3 || table.Holder("import") != "" {
		t.Errorf("%v, rows %v, held by %q", err, rows, table.Holder("import"))
	}
}

// Load that the store refuses for a moment is the client's affair; that nobody may
// use the table is not.
func TestImportStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		table.FailWrites(2, dynalock.ErrThrottled)
		table.FailReads(1, dynalock.ErrUnavailable)
		client := table.Client()
		if err := importRows(t.Context(), client, 1, func(int) error { return nil }); err != nil {
			t.Error(err)
		}
		table.Fail(dynalock.ErrAccessDenied)
		if err := importRows(t.Context(), client, 1, func(int) error { return nil }); !errors.Is(err, dynalock.ErrAccessDenied) {
			t.Errorf("%v, want ErrAccessDenied", err)
		}
	})
}

// An hour of waiting must not cost more than a read a second, nor more writes
// than the try and the place in the queue; less where the store is slow.
func TestWaitingIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		table.Hold("leader", "another")
		table.Slow(500 * time.Millisecond)
		client := table.Client()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- lead(ctx, client, func() {}) }()
		reads, writes := table.Only(client).Cost(func() { time.Sleep(time.Hour) })
		if reads > 3600 || writes > 2 {
			t.Errorf("%d reads and %d writes", reads, writes)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if reads, writes := table.Requests(); reads+writes == 0 {
			t.Error("nothing was counted")
		}
	})
}
