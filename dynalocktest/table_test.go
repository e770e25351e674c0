package dynalocktest_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// third is how far away the next renewal of a live lock is.
const third = dynalock.DefaultLiveLease / 3

// bubble runs f in a bubble with a table.
func bubble(t *testing.T, f func(*testing.T, *dynalocktest.Table)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, dynalocktest.New(t)) })
}

func acquire(t *testing.T, c *dynalock.Client, key string, opts ...dynalock.AcquireOption) *dynalock.Lock {
	t.Helper()
	lock, err := c.AcquireLock(t.Context(), key, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

func reason(err error) dynalock.Reason {
	var lost *dynalock.LostError
	errors.As(err, &lost)
	if lost == nil {
		return ""
	}
	return lost.Reason
}

// What ends a live lock is told at the next renewal, whether the lock renews
// itself, is kept by its client's session, or is one of very many there.
func TestHolderLearns(t *testing.T) {
	for _, what := range []struct {
		reason  dynalock.Reason
		by      string
		holder  string // afterwards
		happens func(*dynalocktest.Table, string)
	}{
		{dynalock.ReasonTakenOver, "b", "b", func(b *dynalocktest.Table, key string) { b.TakeOver(key, "b") }},
		{dynalock.ReasonForced, "op", "", func(b *dynalocktest.Table, key string) { b.Force(key, "op") }},
		{dynalock.ReasonReleased, "a", "", func(b *dynalocktest.Table, key string) { b.Release(key) }},
		{dynalock.ReasonGone, "", "", func(b *dynalocktest.Table, key string) { b.Remove(key) }},
	} {
		for _, where := range []struct {
			held   time.Duration
			others int
		}{{time.Second, 0}, {time.Minute, 0}, {time.Minute, 100}} {
			if where.others > 16 && what.reason == dynalock.ReasonGone {
				continue // nothing announces it
			}
			t.Run(fmt.Sprintf("%s/%v/%d", what.reason, where.held, where.others), func(t *testing.T) {
				bubble(t, func(t *testing.T, table *dynalocktest.Table) {
					client := table.Client(dynalock.WithLockOwnerName("a"))
					lock := acquire(t, client, "k", dynalock.KeepAlive())
					for i := range where.others {
						acquire(t, client, fmt.Sprint("other ", i), dynalock.KeepAlive())
					}
					time.Sleep(where.held)
					what.happens(table, "k")
					if got := table.Holder("k"); got != what.holder || !lock.Held() {
						t.Errorf("held by %q, and the handle: %v", got, lock.Err())
					}
					began := time.Now()
					<-lock.Done()
					var lost *dynalock.LostError
					if !errors.As(lock.Err(), &lost) || lost.Reason != what.reason || lost.By != what.by {
						t.Errorf("%v, want %s by %q", lock.Err(), what.reason, what.by)
					}
					if took := time.Since(began); took > third {
						t.Errorf("told after %v", took)
					}
				})
			})
		}
	}
}

// A durable lock is asked about nothing, and believes until somebody asks.
func TestDurableHolderLearns(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		lock := acquire(t, table.Client(), "k")
		table.TakeOver("k", "b")
		time.Sleep(24 * time.Hour)
		if !lock.Held() {
			t.Error("who told it?")
		}
		if err := lock.Renew(t.Context()); reason(err) != dynalock.ReasonTakenOver {
			t.Error(err)
		}
		if err := lock.Release(t.Context()); reason(err) != dynalock.ReasonTakenOver || table.Holder("k") != "b" {
			t.Errorf("%v; held by %q", err, table.Holder("k"))
		}
		table.Release("k")
		if token := acquire(t, table.Client(), "k").Token(); token <= lock.Token()+1 {
			t.Errorf("the token %d, after %d and one more", token, lock.Token())
		}
	})
}

// A lock whose lease has ended in the table goes to the next who asks.
func TestExpire(t *testing.T) {
	for name, test := range map[string]struct {
		opts  []dynalock.AcquireOption
		held  time.Duration
		ended dynalock.Reason
	}{
		"durable":               {nil, 0, ""},
		"live, renewed alone":   {[]dynalock.AcquireOption{dynalock.KeepAlive()}, time.Second, dynalock.ReasonTakenOver},
		"live, with the others": {[]dynalock.AcquireOption{dynalock.KeepAlive()}, time.Minute, dynalock.ReasonExpired},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, table *dynalocktest.Table) {
				client := table.Client(dynalock.WithLockOwnerName("a"))
				lock := acquire(t, client, "k", test.opts...)
				other := acquire(t, client, "other", test.opts...)
				time.Sleep(test.held)
				look := table.Client()
				table.Expire("k")
				if info, err := look.GetLock(t.Context(), "k"); err != nil || info.State != dynalock.StateLapsed {
					t.Errorf("%v, %v", info, err)
				}
				if !lock.Held() || table.Holder("k") != "a" {
					t.Errorf("%v, held by %q", lock.Err(), table.Holder("k"))
				}
				next := acquire(t, table.Client(), "k")
				if next.Token() <= lock.Token() {
					t.Errorf("token %d after %d", next.Token(), lock.Token())
				}
				time.Sleep(third)
				if reason(lock.Err()) != test.ended {
					t.Errorf("%v", lock.Err())
				}
				if together := test.ended == dynalock.ReasonExpired; together == other.Held() {
					t.Errorf("the other lock: %v", other.Err())
				}
			})
		})
	}
}

// The holder renews first, and nothing was lost.
func TestExpireInVain(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		lock := acquire(t, table.Client(), "k", dynalock.KeepAlive())
		time.Sleep(time.Second)
		table.Expire("k")
		time.Sleep(third)
		if _, err := table.Client().AcquireLock(t.Context(), "k"); !errors.Is(err, dynalock.ErrHeld) || !lock.Held() {
			t.Errorf("%v, %v", err, lock.Err())
		}
	})
}

// Who waits gets the lock that expired, or was forced.
func TestWaitersGetIt(t *testing.T) {
	for name, happens := range map[string]func(*dynalocktest.Table){
		"expired":  func(b *dynalocktest.Table) { b.Expire("k") },
		"forced":   func(b *dynalocktest.Table) { b.Force("k", "op") },
		"released": func(b *dynalocktest.Table) { b.Release("k") },
		"removed":  func(b *dynalocktest.Table) { b.Remove("k") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, table *dynalocktest.Table) {
				table.Hold("k", "a")
				table.Wait("k", "b", time.Minute)
				if name == "forced" {
					table.Wait("k", "c", time.Minute)
				}
				if got := fmt.Sprint(table.Waiters("k")); got != map[bool]string{false: "[b]", true: "[b c]"}[name == "forced"] {
					t.Error(got)
				}
				happens(table)
				time.Sleep(10 * time.Second)
				if got := table.Holder("k"); got != "b" {
					t.Errorf("%q holds it", got)
				}
				time.Sleep(time.Minute)
				if got := table.Holder("k"); got != map[bool]string{false: "", true: "c"}[name == "forced"] {
					t.Errorf("%q holds it in the end", got)
				}
			})
		})
	}
}

// So does who waits for a live lock that is kept alive with the client's others.
func TestWaiterGetsExpiredSession(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		lock := table.Hold("k", "a", dynalock.KeepAlive())
		time.Sleep(time.Minute)
		table.Wait("k", "b", time.Minute)
		time.Sleep(time.Minute)
		table.Expire("k")
		time.Sleep(third)
		if reason(lock.Err()) != dynalock.ReasonExpired {
			t.Errorf("the former: %v", lock.Err())
		}
		time.Sleep(dynalock.DefaultLiveLease)
		if table.Holder("k") != "b" {
			t.Errorf("%q holds it", table.Holder("k"))
		}
	})
}

// A waiter does not stay when the test ends, nor does a holder that is live.
func TestNothingIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		table.Hold("k", "a", dynalock.KeepAlive())
		table.Wait("k", "b", time.Hour)
		table.Wait("k", "c", time.Hour)
		client := table.Client()
		go func() { _, _ = client.AcquireLock(t.Context(), "k", dynalock.Wait()) }()
		synctest.Wait()
		table.Down()
	})
}

// Taking over leaves who waits where he is.
func TestTakeOverKeepsTheQueue(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		table.Hold("k", "a")
		table.Wait("k", "b", time.Minute)
		table.TakeOver("k", "c")
		time.Sleep(time.Hour)
		if table.Holder("k") != "c" || len(table.Waiters("k")) != 1 {
			t.Errorf("%q holds, %q wait", table.Holder("k"), table.Waiters("k"))
		}
		table.Release("k")
		time.Sleep(10 * time.Second)
		if table.Holder("k") != "b" {
			t.Errorf("%q holds it", table.Holder("k"))
		}
	})
}

// What happens to locks is safe beside a program that goes on: no write of its
// own is lost to it.
func TestBesideTheProgram(t *testing.T) {
	table := dynalocktest.New(t)
	lock := acquire(t, table.Client(), "k")
	client, stop, done := table.Client(), make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := lock.Update(t.Context(), []byte("x")); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 200 {
		table.Expire("k")
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error("an update beside Expire:", err)
	}
	busy := acquire(t, client, "busy")
	go func() {
		for {
			if err := busy.Renew(t.Context()); err != nil {
				done <- err
				return
			}
		}
	}()
	table.TakeOver("busy", "b")
	if err := <-done; reason(err) != dynalock.ReasonTakenOver {
		t.Error(err)
	}
}
