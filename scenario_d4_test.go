package dynalock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

func deletes(_ string, w lockstore.Write) bool { return w.Delete }

// TestD4_CoreNeedsReadAndWrite: without the rights to scan and to delete,
// everything but Locks and DeleteOnRelease works.
func TestD4_CoreNeedsReadAndWrite(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("a")
		for _, m := range []*machine{a, b} {
			m.net.On(faultstore.Match{Op: faultstore.OpScan}, faultstore.Deny())
			m.net.On(faultstore.Match{If: deletes}, faultstore.Deny())
		}
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		time.Sleep(time.Minute)
		must(t, l.Update(bg, []byte("x")))
		must(t, b.UpdateLock(bg, "k", []byte("y")))
		m, err := b.AttachLock(bg, l.Handle())
		must(t, err)
		must(t, m.Release(bg))
		a.take("k", dynalock.WithLease(time.Second))
		b.take("k", dynalock.WaitFor(time.Minute)) // a takeover
		_, err = a.ResumeLock(bg, "k")
		must(t, err)
		info, err := a.GetLock(bg, "k")
		must(t, err)
		_, err = a.ForceRelease(bg, "k", info.Token)
		must(t, err)
		ok, err := b.ReleaseLock(bg, "k")
		if !ok || err != nil {
			t.Error(ok, err)
		}
	})
}

// TestD4_DeniedFailsFast: each call whose right is missing fails within a
// second, as denied, naming the action, after one request, and leaves nothing.
func TestD4_DeniedFailsFast(t *testing.T) {
	for _, c := range []struct {
		op     faultstore.Op
		action string
	}{{faultstore.OpGet, "Get"}, {faultstore.OpWrite, "Write"}, {faultstore.OpScan, "Scan"}} {
		for _, call := range calls {
			bubble(t, func(t *testing.T, w *world) {
				holder, m := w.machine("a"), w.machine("a")
				if call.name != "AcquireLock" && call.name != "Do" {
					holder.take("k")
				}
				before := w.row("k")
				denied := m.net.On(faultstore.Match{Op: c.op}, faultstore.Deny())
				var err error
				ctx := within(t, 10*time.Second)
				took := tookTime(func() { err = call.do(m.Client, ctx, "k") })
				if denied.Fired() == 0 {
					return // the call does without that right
				}
				var e *lockstore.Error
				if !errors.Is(err, dynalock.ErrAccessDenied) || !errors.As(err, &e) || e.Op != c.action || took >= time.Second {
					t.Errorf("%s without %s, after %v: %v", call.name, c.action, took, err)
				}
				if denied.Fired() != 1 {
					t.Errorf("%s asked %d times", call.name, denied.Fired())
				}
				if r := w.row("k"); (r == nil) != (before == nil) || r != nil && r.Seq != before.Seq {
					t.Errorf("%s left %+v", call.name, r)
				}
			})
		}
	}
}

// TestD4_DeniedWhileHolding: a right that is taken away is a loss once the
// lease is over, and the cause says so.
func TestD4_DeniedWhileHolding(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		time.Sleep(10 * time.Second)
		a.net.On(faultstore.Match{Op: faultstore.OpWrite}, faultstore.Deny())
		endsBy(t, l, 3*time.Second)
		matchesOnly(t, "the loss", l.Err(), dynalock.ErrLost, dynalock.ErrNotHeld, dynalock.ErrAccessDenied)
		if l.Held() {
			t.Error("held")
		}
		b.take("k", dynalock.WaitFor(time.Second))
	})
}

// TestD4_WithoutDelete: DeleteOnRelease needs its right. The lock ends for its
// holder all the same, and he is told that the item is still there.
func TestD4_WithoutDelete(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		rule := a.net.On(faultstore.Match{If: deletes}, faultstore.Deny())
		l := a.take("k", dynalock.DeleteOnRelease())
		took := tookTime(func() { matchesOnly(t, "Release", l.Release(bg), dynalock.ErrAccessDenied) })
		if took >= time.Second {
			t.Errorf("took %v", took)
		}
		rule.Off()
		must(t, l.Release(bg))
		if w.row("k") != nil {
			t.Error("still there")
		}
	})
}
