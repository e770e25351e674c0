package dynalock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What a review found of the local line.

// Whoever gives up is told so at once.
func TestFound_GivesUpAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.passOn(t, m.first("k"))
		ctx, cancel := context.WithTimeout(bg, 2*time.Second)
		defer cancel()
		began := time.Now()
		next := m.wait(ctx, "k", dynalock.KeepAlive(), dynalock.WithLease(time.Minute), dynalock.Wait())
		pass(50 * time.Millisecond)
		m.net.On(faultstore.Match{Op: faultstore.OpWrite}, faultstore.BlackHole())
		must(t, l.Release(bg))
		<-next.got
		if took := next.at.Sub(began); took > 2100*time.Millisecond {
			t.Errorf("AcquireLock came back %v after its context had ended", took-2*time.Second)
		}
	})
}

// At most 16 hand-overs in a row while another client stands in
// the store's queue.
func TestFound_BatchIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.passOn(t, a.first("k"))
		other := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
		pass(time.Second)
		if len(w.row("k").Queue) != 1 {
			t.Fatal("not in the queue")
		}
		var got atomic.Int64
		for range 100 {
			go func() {
				l, err := a.AcquireLock(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
				if err != nil {
					t.Error(err)
					return
				}
				if !other.over() {
					got.Add(1)
				}
				time.Sleep(100 * time.Millisecond) // fake time: the lock is in use
				if err := l.Release(bg); err != nil {
					t.Error(err)
				}
			}()
		}
		pass(50 * time.Millisecond)
		must(t, l.Release(bg))
		must(t, other.within(t, time.Minute).Release(bg))
		pass(time.Minute)
		if n := got.Load(); n > 16 {
			t.Errorf("%d of one client went before the one in the queue", n)
		}
	})
}

type panicky struct{ n int }

func (p *panicky) Encrypt(b, _ []byte) ([]byte, error) { return b, nil }
func (p *panicky) Decrypt(b, _ []byte) ([]byte, error) {
	if p.n++; p.n == 1 {
		panic("a user's mistake")
	}
	return b, nil
}

// A panic of a user's code in one call does not stop the line.
func TestFound_PanicLeavesTheLine(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a", dynalock.WithDataEncryption(&panicky{}))
		must(t, m.take("k", dynalock.WithData([]byte("x"))).Release(bg))
		func() {
			defer func() { _ = recover() }()
			_, _ = m.AcquireLock(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
		}()
		pass(time.Minute)
		l, err := m.AcquireLock(within(t, time.Hour), "k", dynalock.KeepAlive(), dynalock.Wait())
		if errors.Is(err, dynalock.ErrHeld) || err != nil {
			t.Error(l, err)
		}
	})
}

// The handles of one tenure that one client has end together.
func TestFound_AttachedAndReleasedHere(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m, b := w.machine("a"), w.machine("b")
		l := m.first("k")
		other, err := m.AttachLock(bg, l.Handle())
		must(t, err)
		m.nextInLine("k")
		must(t, other.Release(bg))
		_, _ = b.AcquireLock(bg, "k") // or the next in line was faster
		if l.Held() {
			t.Errorf("this client released %v itself", l)
		}
		pass(time.Second)
	})
}

func TestFound_ReleasedByNameHere(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.first("k")
		other, err := m.AttachLock(bg, l.Handle())
		must(t, err)
		if ok, err := m.ReleaseLock(bg, "k"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if l.Held() || other.Held() {
			t.Errorf("%v, %v", l, other)
		}
	})
}

// A lock that was handed over, and expired while it was claimed by
// writes of unknown outcome, is nobody's: it must not stay taken.
func TestFound_ExpiredWhileClaimed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		renewals := m.net.On(faultstore.Match{If: faultstore.Renewals}, faultstore.Throttle())
		sessions := m.net.On(faultstore.Match{If: ofSession}, faultstore.Throttle())
		l := m.first("k", dynalock.WithLease(time.Second))
		next := m.wait(bg, "k", dynalock.WithoutLease(), dynalock.Wait())
		pass(720 * time.Millisecond)
		renewals.Off()
		m.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.ApplyCut())
		m.net.On(faultstore.Match{If: faultstore.Renewals, Times: 2}, faultstore.Throttle())
		must(t, l.Release(bg))
		if w.row("k").Released {
			t.Fatal("not handed over")
		}
		pass(2 * time.Second)
		sessions.Off()
		n := next.within(t, 10*time.Minute)
		must(t, n.Release(bg))
	})
}
