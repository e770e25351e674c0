package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
)

const inLine = 16 // goroutines of one client that want one key

// A turnstile is one run of them.
type turnstile struct {
	ours, mutex float64 // turns a second
	requests    float64 // each
}

// lineRow compares one client's goroutines with the same loop over a mutex.
func (b *bench) lineRow() ([]figure, error) {
	runs, long := 5, 2*time.Second
	if b.quick {
		runs, long = 1, 300*time.Millisecond
	}
	p, err := newProxy(b.engine.URL, 0)
	if err != nil {
		return nil, err
	}
	defer p.close()
	c := newLibrary(newSDK(p.url), table, false)
	defer func() { _ = c.Close(b.ctx) }()
	var mutex sync.Mutex
	var got []turnstile
	for range runs {
		key := b.newKey("line")
		began := time.Now()
		ours, err := turnsOf(long, func() error { return once(b.ctx, c, key) })
		if err != nil {
			return nil, err
		}
		sent := p.since(began.UnixNano())
		took := time.Since(began).Seconds()
		began = time.Now()
		beside, err := turnsOf(long, func() error {
			mutex.Lock()
			defer mutex.Unlock()
			time.Sleep(heldInLine)
			return nil
		})
		if err != nil {
			return nil, err
		}
		t := turnstile{float64(ours) / took, float64(beside) / time.Since(began).Seconds(), float64(sent.writes+sent.reads) / float64(ours)}
		b.log("  %.0f turns/s, mutex %.0f, requests each %.3f (%+v)", t.ours, t.mutex, t.requests, sent)
		got = append(got, t)
	}
	const work = "16 goroutines of one client, one key, held 1 ms: "
	share := median(got, func(t turnstile) float64 { return t.ours / t.mutex })
	requests := median(got, func(t turnstile) float64 { return t.requests })
	mutexes := median(got, func(t turnstile) float64 { return t.mutex })
	return []figure{
		{work: work + "turns a second", got: fmt.Sprintf("%.0f", median(got, func(t turnstile) float64 { return t.ours })),
			wanted: "at least 0.9 of a sync.Mutex's", met: share >= 0.9, beside: fmt.Sprintf("mutex %.0f", mutexes), ratio: fmt.Sprintf("%.2f", share)},
		{work: work + "requests each", got: fmt.Sprintf("%.3f", requests), wanted: "at most 0.25", met: requests <= 0.25},
	}, nil
}

const heldInLine = time.Millisecond

func once(ctx context.Context, c *dynalock.Client, key string) error {
	l, err := c.AcquireLock(ctx, key, dynalock.Wait(), dynalock.KeepAlive())
	if err != nil {
		return err
	}
	time.Sleep(heldInLine)
	return l.Release(ctx)
}

// turnsOf is how often the goroutines did f in that time, all of them together.
func turnsOf(long time.Duration, f func() error) (n int, err error) {
	var all sync.WaitGroup
	counts, errs := make([]int, inLine), make([]error, inLine)
	end := time.Now().Add(long)
	for i := range inLine {
		all.Go(func() {
			for time.Now().Before(end) && errs[i] == nil {
				errs[i] = f()
				counts[i]++
			}
		})
	}
	all.Wait()
	for i := range inLine {
		n += counts[i]
		if errs[i] != nil {
			return n, errs[i]
		}
	}
	return n, nil
}
