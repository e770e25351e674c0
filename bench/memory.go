package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// durable is what a client needs for each lock that nobody renews. The store
// here keeps nothing, so that only the client is measured.
func (b *bench) durable(n int) ([]figure, error) {
	c := dynalock.New(forgetful{})
	goroutines := runtime.NumGoroutine()
	before := heap()
	held := make([]*dynalock.Lock, 0, n)
	for i := range n {
		l, err := c.AcquireLock(b.ctx, fmt.Sprintf("a key of 20 B %06d", i))
		if err != nil {
			return nil, err
		}
		held = append(held, l)
	}
	each := float64(heap()-before) / float64(n)
	more := runtime.NumGoroutine() - goroutines
	runtime.KeepAlive(held)
	work := fmt.Sprintf("%d durable locks of one client: ", n)
	return []figure{
		{work: work + "heap for each, bytes", got: fmt.Sprintf("%.0f", each), wanted: "at most 1536", met: each <= 1536},
		{work: work + "goroutines for them", got: fmt.Sprint(more), wanted: "0", met: more <= 0},
	}, c.Close(b.ctx)
}

// memoryRow is about what a client needs for many locks.
func (b *bench) memoryRow() ([]figure, error) {
	n, lease, settle, long := 10_000, dynalock.DefaultLiveLease, 15*time.Second, 20*time.Second
	if b.quick {
		n, lease, settle, long = 500, 2*time.Second, 2*time.Second, time.Second
	}
	figures, err := b.durable(n)
	if err != nil {
		return nil, err
	}
	live, err := b.live(n, lease, settle, long)
	return append(figures, live...), err
}

// live holds n live locks until all have moved to the session, and then counts
// what still goes to the store.
func (b *bench) live(n int, lease, settle, long time.Duration) (figures []figure, err error) {
	p, err := newProxy(b.engine.URL, 0)
	if err != nil {
		return nil, err
	}
	defer p.close()
	w, err := start(job{Kind: "many", URL: p.url, Table: table, Key: b.newKey("a key of 20 B "), Count: n, Lease: lease})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.kill()) }()
	before, err := w.takeAll()
	if err != nil {
		return nil, err
	}
	time.Sleep(settle)
	from := time.Now()
	time.Sleep(long)
	then := p.since(from.UnixNano())
	after, err := w.inventory()
	if err != nil {
		return nil, err
	}
	each := (float64(after.Heap) - float64(before.Heap)) / float64(n-1)
	more := after.Goroutines - before.Goroutines
	b.log("  %+v, then %+v, writes in %v: %+v", before, after, long, then)
	work := fmt.Sprintf("%d live locks of one client: ", n)
	rate := float64(then.writes) / long.Seconds()
	return []figure{
		{work: work + "heap for each, bytes", got: fmt.Sprintf("%.0f", each), wanted: "at most 2048", met: each <= 2048},
		{work: work + "goroutines for them", got: fmt.Sprint(more), wanted: "0", met: more <= 0},
		{work: work + "writes a second to keep them, of the session and of others", got: fmt.Sprintf("%.2f, %d", rate, then.writes-then.sessionWrites),
			wanted: "at most 0.3, 0", met: rate <= 0.3 && then.writes == then.sessionWrites},
		{work: work + "lost", got: fmt.Sprint(n - after.Locks), wanted: "0", met: after.Locks == n},
	}, nil
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
