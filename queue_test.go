package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Eight waiters that came one after the other are served in that order, each by
// one write of the one before and one to join.
func TestQueueServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const n = 8
		holder := w.machine("holder")
		first := holder.take("k", dynalock.KeepAlive())
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		machines := make([]*machine, n)
		for i := range n {
			machines[i] = w.machine(fmt.Sprint("waiter ", i))
			wg.Go(func() {
				time.Sleep(time.Duration(i+1) * 100 * time.Millisecond)
				l := machines[i].take("k", dynalock.KeepAlive(), dynalock.Wait())
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				time.Sleep(50 * time.Millisecond)
				if err := l.Release(context.Background()); err != nil {
					t.Error(i, err)
				}
			})
		}
		time.Sleep(2 * time.Second)
		if got := len(w.row("k").Queue); got != n {
			t.Fatalf("%d in the queue, want %d", got, n)
		}
		if err := first.Release(context.Background()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		wg.Wait()
		if took := time.Since(began); took > n*200*time.Millisecond {
			t.Error("all served in", took)
		}
		for i, who := range order {
			if i != who {
				t.Fatalf("served in the order %v", order)
			}
		}
		for i, m := range machines {
			if c := m.net.Requests(); c.Writes > 3 {
				t.Errorf("waiter %d: %+v", i, c)
			}
		}
	})
}

// A dead waiter costs one claim window, a cancelled one nothing.
func TestQueuePassesOverTheDeadAndTheCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		holder := w.machine("holder")
		first := holder.take("k", dynalock.KeepAlive())
		dead, cancelled, alive := w.machine("dead"), w.machine("cancelled"), w.machine("alive")
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = dead.AcquireLock(context.Background(), "k", dynalock.KeepAlive(), dynalock.Wait()) })
		time.Sleep(100 * time.Millisecond)
		wg.Go(func() {
			if _, err := cancelled.AcquireLock(ctx, "k", dynalock.KeepAlive(), dynalock.Wait()); !errors.Is(err, context.Canceled) || !errors.Is(err, dynalock.ErrHeld) {
				t.Error(err)
			}
		})
		time.Sleep(100 * time.Millisecond)
		var got time.Time
		wg.Go(func() {
			l := alive.take("k", dynalock.KeepAlive(), dynalock.Wait())
			got = time.Now()
			time.Sleep(time.Minute)
			if err := l.Release(context.Background()); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		dead.clock.Freeze()
		dead.net.Down(faultstore.BlackHole())
		cancel()
		time.Sleep(time.Second)
		if q := w.row("k").Queue; len(q) != 2 || q[0].Owner != "dead" || q[1].Owner != "alive" {
			t.Fatalf("queue %+v", q)
		}
		began := time.Now()
		if err := first.Release(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got.IsZero() || got.Sub(began) > 5*time.Second {
			t.Errorf("granted after %v", got.Sub(began))
		}
		dead.crash()
		wg.Wait()
	})
}

// A holder that dies with waiters: the head takes over after its lease.
func TestQueueHeadTakesOverFromTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		holder := w.machine("holder")
		holder.take("k", dynalock.KeepAlive(), dynalock.WithLease(10*time.Second))
		began := time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var order []int
		for i := range 3 {
			m := w.machine(fmt.Sprint("waiter ", i))
			wg.Go(func() {
				time.Sleep(time.Duration(i+1) * 100 * time.Millisecond)
				l := m.take("k", dynalock.KeepAlive(), dynalock.Wait())
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				if err := l.Release(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Second)
		holder.crash()
		wg.Wait()
		if fmt.Sprint(order) != "[0 1 2]" || time.Since(began) > 13*time.Second {
			t.Error(order, time.Since(began))
		}
	})
}
