package dynalock_test

import (
	"context"
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
