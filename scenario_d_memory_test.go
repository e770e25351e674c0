package dynalock_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// grantingStore grants whatever it is asked for and keeps nothing, so that the
// memory that a client needs can be measured by itself.
type grantingStore struct{}

func (grantingStore) Info() lockstore.Info { return lockstore.Info{Scope: "nowhere"} }

func (grantingStore) Get(context.Context, string, lockstore.Consistency) (lockstore.Result, error) {
	return lockstore.Result{Time: now()}, nil
}

func (grantingStore) Scan(context.Context, lockstore.Query) (lockstore.Page, error) {
	return lockstore.Page{Time: now()}, nil
}

func (grantingStore) Write(_ context.Context, _ string, w lockstore.Write) (lockstore.Result, error) {
	r, err := w.Apply(nil)
	return lockstore.Result{Applied: true, Record: r, Time: now()}, err
}

func now() lockstore.TimeBounds {
	t := time.Now().UTC()
	return lockstore.TimeBounds{Earliest: t, Latest: t}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestD_MemoryOfHeldLocks: a durable lock that is held costs its client some
// memory, and neither a goroutine nor a request.
func TestD_MemoryOfHeldLocks(t *testing.T) {
	const locks, most = 10_000, 1536
	c := dynalock.New(grantingStore{})
	defer c.Close(bg)
	held := make([]*dynalock.Lock, 0, locks)
	warm, err := c.AcquireLock(bg, "warm")
	must(t, err)
	goroutines, before := runtime.NumGoroutine(), heapInUse()
	for i := range locks {
		l, err := c.AcquireLock(bg, fmt.Sprintf("a key of 20 by %05d", i))
		must(t, err)
		held = append(held, l)
	}
	each := float64(heapInUse()-before) / locks
	t.Logf("%.0f bytes for each lock held", each)
	if each > most {
		t.Errorf("%.0f bytes, at most %d", each, most)
	}
	if n := runtime.NumGoroutine(); n > goroutines+2 {
		t.Errorf("%d goroutines, and %d before", n, goroutines)
	}
	for _, l := range append(held, warm) {
		if !l.Held() {
			t.Fatal(l.Err())
		}
		must(t, l.Release(bg))
	}
	clear(held)
	rest := float64(heapInUse()-before) / locks
	t.Logf("%.0f bytes for each lock released a moment ago", rest)
	if rest > most/2 {
		t.Errorf("%.0f bytes stay after the release", rest)
	}
}
