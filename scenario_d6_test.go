package dynalock_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// TestD6_Pair: taking and releasing a free lock is two writes and no read, of
// a new key as of an old one.
func TestD6_Pair(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for _, opts := range []options{nil, {dynalock.KeepAlive()}, {dynalock.DeleteOnRelease()}, {dynalock.Wait(), dynalock.WithData(secretData)}} {
			for range 2 {
				a.net.Reset()
				must(t, a.take("k", opts...).Release(bg))
				if n := a.net.Requests(); n.Writes != 2 || n.Total() != 2 || n.Failed != 0 {
					t.Errorf("%+v", n)
				}
			}
		}
	})
}

// TestD6_Holding: all live locks of a client cost three writes in a lease, as
// does one by itself whose handle may be elsewhere; a durable one costs nothing
// at all.
func TestD6_Holding(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const locks, period = 200, 30 * time.Second
		a, b, c := w.machine("a"), w.machine("b"), w.machine("c")
		for i := range locks {
			a.take(fmt.Sprint("live", i), dynalock.KeepAlive())
			b.take(fmt.Sprint("durable", i))
			c.takeAlone(fmt.Sprint("alone", i), dynalock.KeepAlive())
		}
		time.Sleep(dynalock.DefaultLiveLease) // until they no longer come in step
		for _, m := range []*machine{a, b, c} {
			m.net.Reset()
		}
		time.Sleep(period)
		// Each is renewed after 0.30 to 0.33 of its lease.
		least, most := int(period/(dynalock.DefaultLiveLease/3)), int(period/(dynalock.DefaultLiveLease*3/10))+1
		for m, renewed := range map[*machine]int{a: 1, c: locks} {
			n := m.net.Requests()
			t.Logf("%d live locks with a lease of %v: %.1f writes a second", locks, dynalock.DefaultLiveLease, float64(n.Writes)/period.Seconds())
			reads := 0
			if m == a { // some of its locks are looked at with each renewal
				reads = 16
			}
			if n.Writes < renewed*least || n.Writes > renewed*most || n.Failed != 0 || n.Gets != n.Writes*reads || n.Strong != 0 || n.Scans != 0 {
				t.Errorf("%+v, want %d to %d writes", n, renewed*least, renewed*most)
			}
		}
		if n := b.net.Requests(); n.Total() != 0 {
			t.Errorf("durable locks cost %+v", n)
		}
	})
}

// TestD6_Waiting: waiters join the queue, or find it full, by one write. Then
// they read, no more than the poll interval says and, of the holder's session,
// once in its lease; and write nothing while the lock is held.
func TestD6_Waiting(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const waiters, period, poll = 50, time.Minute, 500 * time.Millisecond
		w.machine("holder").take("k", dynalock.KeepAlive())
		ctx := within(t, 10*period)
		var all sync.WaitGroup
		var machines []*machine
		for range waiters {
			m := w.machine("waiter", dynalock.WithPollInterval(50*time.Millisecond, poll))
			machines = append(machines, m)
			all.Go(func() {
				_, err := m.AcquireLock(ctx, "k", dynalock.Wait())
				matchesOnly(t, "a waiter", err, dynalock.ErrClosed)
			})
		}
		time.Sleep(10 * time.Second) // until they have backed off
		for _, m := range machines {
			if n := m.net.Requests(); n.Writes != 2 {
				t.Errorf("a waiter began with %+v", n)
			}
			m.net.Reset()
		}
		time.Sleep(period)
		reads := 0
		for _, m := range machines {
			n := m.net.Requests()
			reads += n.Gets - n.Strong
			if n.Writes != 0 || n.Failed != 0 || n.Strong > int(period/dynalock.DefaultLiveLease)+1 {
				t.Errorf("a waiter sent %+v", n)
			}
			// Nobody is slower than half of the time that a grant waits.
			if n.Gets < int(period/(1500*time.Millisecond)) {
				t.Errorf("a waiter was slow: %+v", n)
			}
		}
		if want := waiters * int(period/poll); reads > want*11/10 {
			t.Errorf("%d reads, want %d at most", reads, want)
		}
		for _, m := range machines {
			must(t, m.Close(bg))
		}
		all.Wait()
	})
}

// TestD6_Handovers: a waiter's write comes when it can succeed.
func TestD6_Handovers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const waiters = 20
		var all sync.WaitGroup
		var machines []*machine
		first := w.machine("first")
		l := first.take("k")
		for range waiters {
			m := w.machine("waiter")
			machines = append(machines, m)
			all.Go(func() {
				l, err := m.AcquireLock(bg, "k", dynalock.Wait())
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(5 * time.Millisecond)
				if err := l.Release(bg); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(10 * time.Second)
		must(t, l.Release(bg))
		all.Wait()
		failed := 0
		for _, m := range machines {
			failed += m.net.Requests().Failed - 1 // the one that it began with
		}
		t.Logf("%d handovers, %d failed writes", waiters, failed)
		if failed > 4*waiters {
			t.Errorf("%d failed writes", failed)
		}
	})
}
