package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

func inScope(name string) memstore.Option { return memstore.WithScope(name) }

// TestC7_AttachElsewhere: what one process took another goes on with, under
// any owner name: it reads and updates data, renews, and releases.
func TestC7_AttachElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithLease(10*time.Second), dynalock.WithData([]byte("first")))
		handle, token := l.Handle(), l.Token()
		a.crash()
		time.Sleep(5 * time.Second)

		b.net.Reset()
		m, err := b.AttachLock(bg, handle)
		must(t, err)
		if n := b.net.Requests(); n.Strong != 1 || n.Writes != 1 || n.Total() != 2 {
			t.Errorf("%+v", n)
		}
		if m.Key() != "k" || m.Owner() != "a" || m.Token() != token || string(m.Data()) != "first" {
			t.Errorf("%v, data %q", m, m.Data())
		}
		for range 5 { // it renewed: the lease is a whole one, and goes on
			time.Sleep(9 * time.Second)
			must(t, m.Renew(bg))
		}
		must(t, m.Update(bg, []byte("second")))
		if r := w.row("k"); string(r.Data) != "second" || r.Lease != 10*time.Second || uint64(r.Token) != token || r.Owner != "a" {
			t.Errorf("%+v", r)
		}
		must(t, m.Release(bg))
		if r := w.row("k"); !r.Released || string(r.Data) != "second" {
			t.Errorf("%+v", r)
		}
	})
}

// The handle of an expired tenure works until somebody takes the lock; then
// it is not held, and the new holder notices nothing.
func TestC7_AfterExpiry(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, c := w.machine("a"), w.machine("b"), w.machine("c")
		handle := a.take("k", dynalock.WithLease(2*time.Second)).Handle()
		time.Sleep(10 * time.Second)
		l := b.take("k")
		before := w.row("k")
		_, err := c.AttachLock(bg, handle)
		var why *dynalock.LostError
		if !errors.As(err, &why) || why.Reason != dynalock.ReasonTakenOver || why.By != "b" {
			t.Error(err)
		}
		if r := w.row("k"); r.Nonce != before.Nonce || r.Seq != before.Seq || !l.Held() {
			t.Errorf("%+v", r)
		}
		must(t, l.Renew(bg))
	})
}

func TestC7_AfterTheRowIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k", dynalock.DeleteOnRelease())
		handle := l.Handle()
		must(t, l.Release(bg))
		_, err := w.machine("b").AttachLock(bg, handle)
		matchesOnly(t, "attach", err, dynalock.ErrLost, dynalock.ErrNotHeld)
		if keys := w.table.Keys(); len(keys) != 0 {
			t.Error(keys)
		}
	})
}

// One tenure with many handles: each may act, the token is the same, and
// whichever releases ends it for all.
func TestC7_ManyHandles(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		var handles []*dynalock.Lock
		for range 5 {
			m, err := w.machine("someone").AttachLock(bg, l.Handle())
			must(t, err)
			handles = append(handles, m)
		}
		for round := range 3 { // writes of one do not throw out the others
			for i, m := range handles {
				must(t, m.Update(bg, []byte{byte(round), byte(i)}))
				must(t, m.Renew(bg))
				if m.Token() != l.Token() {
					t.Error("another token")
				}
			}
			time.Sleep(2 * time.Second)
		}
		if !l.Held() {
			t.Fatal(l.Err())
		}
		must(t, handles[2].Release(bg))
		endsBy(t, l, 3*time.Second)
		if lost(t, l).Reason != dynalock.ReasonReleased {
			t.Error(l.Err())
		}
		for i, m := range handles {
			if i != 2 {
				matchesOnly(t, "another handle", m.Renew(bg), dynalock.ErrLost, dynalock.ErrNotHeld)
			}
		}
		if !w.row("k").Released {
			t.Error("revived")
		}
	})
}

// Several that attach at the same moment all can.
func TestC7_AttachedTwiceAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k")
		handle := l.Handle()
		errs := make(chan error, 5)
		for range cap(errs) {
			m := w.machine("someone")
			m.net.On(faultstore.Match{Op: faultstore.OpWrite}, faultstore.Delay(time.Millisecond))
			go func() {
				got, err := m.AttachLock(bg, handle)
				if err == nil && (got.Token() != l.Token() || !got.Held()) {
					err = errors.New("not the same tenure")
				}
				errs <- err
			}()
		}
		for range cap(errs) {
			must(t, <-errs)
		}
	})
}

// Nothing renews an attached handle by itself.
func TestC7_AttachedIsNotKeptAlive(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		m, err := b.AttachLock(bg, l.Handle())
		must(t, err)
		a.crash()
		endsBy(t, m, 3*time.Second)
		if lost(t, m).Reason != dynalock.ReasonExpired {
			t.Error(m.Err())
		}
	})
}

// An attach whose answer is lost is recognised or repeated; one that cannot
// get through gives nothing to believe in.
func TestC7_AttachAnswerLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k", dynalock.WithLease(10*time.Second))
		b := w.machine("b")
		b.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.ApplyCut())
		m, err := b.AttachLock(bg, l.Handle())
		must(t, err)
		must(t, m.Renew(bg))
		b.net.On(faultstore.Match{Op: faultstore.OpWrite}, faultstore.Hold(time.Minute))
		got, err := b.AttachLock(within(t, time.Second), l.Handle())
		if got != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(got, err)
		}
	})
}
