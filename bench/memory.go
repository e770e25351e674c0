package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// memory is what a client needs for each lock that it holds. The store here
// keeps nothing, so that only the client is measured.
func (r *rig) memory(n int) ([]report, error) {
	c := dynalock.New(forgetful{})
	goroutines := runtime.NumGoroutine()
	before := heap()
	held := make([]*dynalock.Lock, 0, n)
	for i := range n {
		l, err := c.AcquireLock(r.ctx, fmt.Sprintf("a key of 20 B %06d", i))
		if err != nil {
			return nil, err
		}
		held = append(held, l)
	}
	each := float64(heap()-before) / float64(n)
	more := runtime.NumGoroutine() - goroutines
	runtime.KeepAlive(held)
	return []report{
		{fmt.Sprintf("heap for each of %d durable locks", n), fmt.Sprintf("%.0f bytes", each), "at most 1536 bytes"},
		{"goroutines for them", fmt.Sprint(more), "0"},
	}, c.Close(r.ctx)
}

func heap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// forgetful lets every write through as if there were no record.
type forgetful struct{}

func (forgetful) Write(_ context.Context, _ string, w lockstore.Write) (lockstore.Result, error) {
	r, err := w.Apply(nil)
	now := time.Now().UTC()
	return lockstore.Result{Applied: true, Record: r, Time: lockstore.TimeBounds{Earliest: now, Latest: now}}, err
}

func (forgetful) Get(context.Context, string, lockstore.Consistency) (lockstore.Result, error) {
	return lockstore.Result{}, nil
}

func (forgetful) Scan(context.Context, lockstore.Query) (lockstore.Page, error) {
	return lockstore.Page{}, nil
}

func (forgetful) Info() lockstore.Info { return lockstore.Info{Scope: "none"} }
