package dynalock_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What a fresh handle says of itself.
func TestHandleSaysWhatItIs(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.WithData([]byte("data")), dynalock.WithLease(time.Minute))
		if l.Key() != "k" || l.Owner() != "a" || l.Token() == 0 || string(l.Data()) != "data" || !l.Held() || l.Err() != nil || ended(l.Done()) {
			t.Errorf("%v", l)
		}
		if r := w.row("k"); uint64(r.Token) != l.Token() {
			t.Errorf("token %d, and the row's is %d", l.Token(), r.Token)
		}
		if left := time.Until(l.Deadline()); left > time.Minute || left < 59*time.Second {
			t.Error(left)
		}
		if d := a.take("for ever", dynalock.WithoutLease()).Deadline(); !d.IsZero() {
			t.Error("a lock without an end has the deadline", d)
		}
		if d := a.take("no data").Data(); d != nil {
			t.Errorf("data %q out of nothing", d)
		}
	})
}

// Until the deadline the lock is held, and from then on it is not.
func TestDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k", dynalock.WithLease(time.Minute))
		deadline := l.Deadline()
		time.Sleep(time.Until(deadline) - time.Millisecond)
		if !l.Held() {
			t.Error("not held before its deadline:", l.Err())
		}
		endsBy(t, l, 50*time.Millisecond)
		if l.Deadline().After(time.Now()) {
			t.Error("an ended lock has a deadline ahead:", l.Deadline())
		}
		r := w.machine("a").take("other")
		must(t, r.Release(bg))
		if r.Deadline().IsZero() || r.Deadline().After(time.Now()) {
			t.Error("so has a released one:", r.Deadline())
		}
	})
}

// Tokens rise, whoever takes the lock and however it was freed.
func TestTokensRise(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		last := uint64(0)
		higher := func(l *dynalock.Lock, err error) *dynalock.Lock {
			t.Helper()
			must(t, err)
			if l.Token() <= last {
				t.Errorf("token %d after %d", l.Token(), last)
			}
			last = l.Token()
			return l
		}
		must(t, higher(a.AcquireLock(bg, "k", dynalock.DeleteOnRelease())).Release(bg))
		time.Sleep(time.Millisecond) // of a deleted item only the clocks remember the token
		higher(b.AcquireLock(bg, "k", dynalock.WithLease(time.Second)))
		time.Sleep(2 * time.Second)
		l := higher(a.AcquireLock(bg, "k"))
		_, err := b.ForceRelease(bg, "k", l.Token())
		must(t, err)
		higher(a.AcquireLock(bg, "k"))
		l = higher(a.ResumeLock(bg, "k"))
		m, err := b.AttachLock(bg, l.Handle())
		must(t, err)
		must(t, m.Extend(bg, time.Hour))
		must(t, l.Renew(bg))
		if m.Token() != last || l.Token() != last {
			t.Error("a tenure's token changed:", m.Token(), l.Token(), last)
		}
	})
}

// Renew begins the lease anew, for the length that it has. A failed one is no
// loss, and may be repeated.
func TestRenew(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.WithLease(10*time.Second))
		for range 5 {
			time.Sleep(8 * time.Second)
			a.net.On(faultstore.Match{If: movesEnd, Times: 1}, faultstore.Deny())
			matchesOnly(t, "denied", l.Renew(bg), dynalock.ErrAccessDenied)
			a.net.Reset()
			must(t, l.Renew(bg))
			if n := a.net.Requests(); n.Writes != 1 || n.Gets != 0 {
				t.Errorf("%+v", n)
			}
		}
		if r := w.row("k"); !l.Held() || r.Lease != 10*time.Second || time.Until(r.Expires) < 9*time.Second {
			t.Errorf("%+v", r)
		}
		endsBy(t, l, 10*time.Second)
	})
}

// An update does not renew.
func TestUpdateDoesNotRenew(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k", dynalock.WithLease(10*time.Second))
		before := w.row("k")
		time.Sleep(9 * time.Second)
		must(t, l.Update(bg, []byte("x")))
		if r := w.row("k"); !r.Expires.Equal(before.Expires) || r.Lease != before.Lease || string(r.Data) != "x" || r.Token != before.Token {
			t.Errorf("%+v", r)
		}
		endsBy(t, l, time.Second)
	})
}

// DynamoDB's own things are unsupported elsewhere, not wrong; the fence works
// for any table.
func TestGuardsOffDynamoDB(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k")
		if _, err := l.TransactGuard(); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
		f := l.FenceCondition("fence")
		if f.Condition != "(attribute_not_exists(#dynalock_fence) OR #dynalock_fence <= :dynalock_token)" ||
			f.Set != "#dynalock_fence = :dynalock_token" || f.Names["#dynalock_fence"] != "fence" || len(f.Names) != 1 || len(f.Values) != 1 {
			t.Errorf("%+v", f)
		}
	})
}

// Whoever reads a handle learns its version; whoever changes it is told.
func TestHandleText(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		handle := l.Handle()
		if !strings.HasPrefix(handle, "dynalock1.") || l.Handle() != handle {
			t.Error("no version, or another text each time")
		}
		a.net.Reset()
		bad := []string{"", "x", "dynalock1.", "dynalock2." + handle[10:], handle[10:], handle + "A", handle + "=", strings.Repeat(handle, 1000)}
		for i := range handle {
			flipped := []byte(handle)
			flipped[i] ^= 1
			bad = append(bad, handle[:i], string(flipped))
		}
		for _, text := range bad {
			_, err := a.AttachLock(bg, text)
			matchesOnly(t, text, err, dynalock.ErrInvalidHandle)
			if len(text) > 12 && err != nil && strings.Contains(err.Error(), text) {
				t.Error("the error repeats the handle:", err)
			}
		}
		if n := a.net.Requests().Total(); n != 0 || !l.Held() {
			t.Errorf("%d requests, %v", n, l.Err())
		}
	})
}

// A handle of one table is worth nothing in another.
func TestHandleOfAnotherTable(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		handle := w.machine("a").take("k").Handle()
		other := newWorld(t, inScope("another"))
		_, err := other.machine("a").AttachLock(bg, handle)
		matchesOnly(t, "attach", err, dynalock.ErrInvalidHandle)
		if len(other.table.Keys()) != 0 {
			t.Error("it made an item")
		}
	})
}

// What attaches at the wrong time gets the reason why not.
func TestAttachTooLate(t *testing.T) {
	for _, c := range losses[3:7] {
		bubble(t, func(t *testing.T, w *world) {
			a := w.machine("a")
			l := a.take("k")
			handle := l.Handle()
			c.provoke(t, w, a, l)
			_, err := w.machine("b").AttachLock(bg, handle)
			var why *dynalock.LostError
			if !errors.As(err, &why) || why.Reason != c.reason || why.By != c.by || !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("%s: %v", c.name, err)
			}
			if c.reason == dynalock.ReasonGone && len(w.table.Keys()) != 0 {
				t.Error("it made an item")
			}
		})
	}
}
