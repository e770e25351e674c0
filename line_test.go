package dynalock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// Goroutines of one client pass a lock on to each other: each has a higher
// token, and almost none of them sends a request.
func TestLinePassesOnWithoutRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.machine("a")
		var mu sync.Mutex
		var last uint64
		var holding, n int
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 50 {
					l := m.take("k", dynalock.KeepAlive(), dynalock.Wait())
					mu.Lock()
					if holding++; holding != 1 || l.Token() <= last || !l.Held() {
						t.Errorf("%d hold, token %d after %d", holding, l.Token(), last)
					}
					last = l.Token()
					n++
					mu.Unlock()
					time.Sleep(time.Millisecond)
					mu.Lock()
					holding--
					mu.Unlock()
					if err := l.Release(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		c := m.net.Requests()
		t.Logf("%d acquisitions, %+v", n, c)
		if each := float64(c.Total()) / float64(n); each > 0.25 {
			t.Errorf("%.2f requests each", each)
		}
		if r := w.row("k"); !r.Released {
			t.Errorf("left behind: %+v", r)
		}
	})
}

// Who gives up in the line is told what is known of the lease: it was said to
// be held until released, whatever the lease.
func TestLineTellsTheLease(t *testing.T) {
	const lease = 20 * time.Second
	for name, opts := range map[string][]dynalock.AcquireOption{
		"durable":    {dynalock.WithLease(lease)},
		"live":       {dynalock.WithLease(lease), dynalock.KeepAlive()},
		"in session": {dynalock.WithLease(lease), dynalock.KeepAlive()},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				m := w.machine("a")
				l := m.take("k", append(opts, dynalock.Wait())...) // through the line
				if name == "in session" {
					pass(lease)
				}
				_, err := m.AcquireLock(background, "k", dynalock.WaitFor(time.Second))
				var held *dynalock.HeldError
				if !errors.As(err, &held) {
					t.Fatal(err)
				}
				if held.Lease != lease || held.Token != l.Token() {
					t.Errorf("%+v", held)
				}
				if left := time.Until(held.RetryAt); left <= 0 || left > lease {
					t.Errorf("a try can succeed in %v: %+v", left, held)
				}
			})
		})
	}
	inWorld(t, func(w *world) {
		m := w.machine("a")
		m.take("k", dynalock.WithoutLease(), dynalock.Wait())
		_, err := m.AcquireLock(background, "k", dynalock.WaitFor(time.Second))
		var held *dynalock.HeldError
		if !errors.As(err, &held) || held.Lease != 0 || !held.RetryAt.IsZero() {
			t.Errorf("without a lease: %+v, %v", held, err)
		}
	})
}
