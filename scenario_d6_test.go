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

// TestD6_Holding: a live lock costs three writes in a lease, a durable one
// nothing at all.
func TestD6_Holding(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const locks, period = 200, 30 * time.Second
		a, b := w.machine("a"), w.machine("b")
		for i := range locks {
			a.take(fmt.Sprint("live", i), dynalock.KeepAlive())
			b.take(fmt.Sprint("durable", i))
		}
		time.Sleep(dynalock.DefaultLiveLease) // until they no longer come in step
		a.net.Reset()
		b.net.Reset()
		time.Sleep(period)
		n := a.net.Requests()
		t.Logf("%d live locks with a lease of %v: %.1f writes a second", locks, dynalock.DefaultLiveLease, float64(n.Writes)/period.Seconds())
		// Each is renewed after 0.30 to 0.33 of its lease.
		least, most := locks*int(period/(dynalock.DefaultLiveLease/3)), locks*(int(period/(dynalock.DefaultLiveLease*3/10))+1)
		if n.Writes < least || n.Writes > most || n.Failed != 0 || n.Total() != n.Writes {
			t.Errorf("%+v, want %d to %d writes", n, least, most)
		}
		if n := b.net.Requests(); n.Total() != 0 {
			t.Errorf("durable locks cost %+v", n)
		}
	})
}

// TestD6_Waiting: waiters read, no more than the poll interval says, and write
// nothing while the lock is held.
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
			if n := m.net.Requests(); n.Writes != 1 {
				t.Errorf("a waiter began with %+v", n)
			}
			m.net.Reset()
		}
		time.Sleep(period)
		reads := 0
		for _, m := range machines {
			n := m.net.Requests()
			reads += n.Gets
			if n.Writes != 0 || n.Failed != 0 || n.Strong != 0 {
				t.Errorf("a waiter sent %+v", n)
			}
		}
		want := waiters * int(period/poll)
		if reads > want*11/10 || reads < want*9/10 {
			t.Errorf("%d reads, want %d", reads, want)
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
