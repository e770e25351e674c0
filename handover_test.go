package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What hand-over within a client must not do.

// first takes a lock as one who would have waited: the others stand behind it.
func (m *machine) first(key string, opts ...dynalock.AcquireOption) *dynalock.Lock {
	return m.take(key, append([]dynalock.AcquireOption{dynalock.KeepAlive(), dynalock.Wait()}, opts...)...)
}

// nextInLine makes another goroutine of the client wait for the key.
func (m *machine) nextInLine(key string, opts ...dynalock.AcquireOption) *waiting {
	next := m.wait(bg, key, append([]dynalock.AcquireOption{dynalock.KeepAlive(), dynalock.Wait()}, opts...)...)
	pass(50 * time.Millisecond)
	return next
}

// passOn releases a lock to another goroutine of the client.
func (m *machine) passOn(t *testing.T, l *dynalock.Lock) *dynalock.Lock {
	t.Helper()
	next := m.nextInLine(l.Key())
	must(t, l.Release(bg))
	return next.within(t, time.Second)
}

// TestHandOver_AttachGivesTheHoldersToken, though the item shows the highest
// token of a block.
func TestHandOver_AttachGivesTheHoldersToken(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.passOn(t, m.first("k"))
		other, err := w.machine("b").AttachLock(bg, l.Handle())
		must(t, err)
		if other.Token() != l.Token() || uint64(w.row("k").Token) <= l.Token() {
			t.Errorf("attached with %d, held with %d, item %d", other.Token(), l.Token(), w.row("k").Token)
		}
	})
}

// TestHandOver_FormerHandleNamesNothing: its nonce is the successor's now.
func TestHandOver_FormerHandleNamesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.first("k")
		next := m.passOn(t, l)
		if got, err := w.machine("b").AttachLock(bg, l.Handle()); !errors.Is(err, dynalock.ErrNotHeld) {
			t.Errorf("%v, %v; %v has it", got, err, next)
		}
		if !next.Held() {
			t.Error(next.Err())
		}
	})
}

// TestHandOver_PinnedIsWritten: what was given away for use elsewhere ends with
// the release, also if it was asked for while the release was under way.
func TestHandOver_PinnedIsWritten(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.first("k")
		handle := l.Handle()
		next := m.nextInLine("k")
		must(t, l.Release(bg))
		if got, err := w.machine("b").AttachLock(bg, handle); !errors.Is(err, dynalock.ErrNotHeld) {
			t.Errorf("%v, %v", got, err)
		}
		if n := next.within(t, 10*time.Second); !n.Held() {
			t.Error(n.Err())
		}
	})
}

// TestHandOver_LateUpdateOfTheFormerHolder must not reach the next one's data.
func TestHandOver_LateUpdateOfTheFormerHolder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.passOn(t, m.first("k", dynalock.WithData([]byte("good"))))
		next := m.nextInLine("k")
		late := m.net.On(faultstore.Match{If: faultstore.Updates, Times: 1}, faultstore.Late(3*time.Second))
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		if err := l.Update(ctx, []byte("old")); err == nil || late.Fired() != 1 {
			t.Fatal(err)
		}
		must(t, l.Release(bg))
		n := next.within(t, time.Second)
		pass(5 * time.Second)
		if got := string(w.row("k").Data); got != "good" || !n.Held() || string(n.Data()) != "good" {
			t.Errorf("stored %q, the holder sees %q, %v", got, n.Data(), n.Err())
		}
	})
}

// TestHandOver_KeepsHoldAtLeast, also where the store tells no time.
func TestHandOver_KeepsHoldAtLeast(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		m.net.On(faultstore.Match{}, faultstore.NoTime())
		began := time.Now()
		l := m.first("k", dynalock.HoldAtLeast(10*time.Second))
		next := m.nextInLine("k")
		must(t, l.Release(bg))
		<-next.got
		if d := time.Since(began); d < 10*time.Second {
			t.Error("the next one has it after", d)
		}
	})
}

// TestHandOver_FailedClaimIsNoEnd: a Wait whose first write fails for a moment
// goes on waiting.
func TestHandOver_FailedClaimIsNoEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.first("k")
		next := m.nextInLine("k", dynalock.WithLease(time.Minute))
		m.net.On(faultstore.Match{If: faultstore.Renewals, Times: 4}, faultstore.Throttle())
		must(t, l.Release(bg))
		if n := next.within(t, 20*time.Second); !n.Held() {
			t.Error(n.Err())
		}
	})
}

// TestHandOver_ToOneWhoGivesUp at that very moment: the line goes on.
func TestHandOver_ToOneWhoGivesUp(t *testing.T) {
	for range 40 {
		bubble(t, func(t *testing.T, w *world) {
			m := w.machine("a")
			l := m.passOn(t, m.first("k"))
			ctx, cancel := context.WithCancel(bg)
			leaving := m.wait(ctx, "k", dynalock.KeepAlive(), dynalock.Wait())
			pass(50 * time.Millisecond)
			cancel()
			must(t, l.Release(bg))
			<-leaving.got
			if leaving.lock != nil {
				must(t, leaving.lock.Release(bg))
			}
			pass(time.Second)
			if r := w.row("k"); !r.Released {
				t.Fatalf("not released: %+v", r)
			}
			must(t, m.wait(bg, "k", dynalock.KeepAlive(), dynalock.WaitFor(time.Second)).within(t, time.Second).Release(bg))
		})
	}
}

// TestHandOver_ToOneWhoHasNotReceivedIt: what ends the tenure from outside
// between the two ends the next one's handle as well.
func TestHandOver_ForcedBeforeItIsReceived(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		l := m.passOn(t, m.first("k"))
		next := m.nextInLine("k", dynalock.WithLease(time.Minute)) // which claims by a write
		m.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.Delay(time.Second))
		must(t, l.Release(bg))
		pass(100 * time.Millisecond)
		_, err := m.ForceRelease(bg, "k", uint64(w.row("k").Token))
		must(t, err)
		n := next.within(t, 10*time.Second)
		if !n.Held() || w.row("k").Released || n.Token() <= l.Token() {
			t.Errorf("%v, %+v", n, w.row("k"))
		}
	})
}

// TestLine_PairAfterIt costs what a free lock costs: one's own tenure is no
// sign of others.
func TestLine_PairAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("a")
		must(t, m.passOn(t, m.first("k")).Release(bg))
		m.net.Reset()
		must(t, m.wait(bg, "k", dynalock.KeepAlive(), dynalock.Wait()).within(t, time.Second).Release(bg))
		if n := m.net.Requests(); n.Writes != 2 || n.Total() != 2 {
			t.Errorf("%+v", n)
		}
	})
}
