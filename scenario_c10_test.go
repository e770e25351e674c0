package dynalock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// TestC10_ForceSafely: an operator ends only the tenure that he saw; its holder
// learns who did it and does not come back; the next waiter has it soon.
func TestC10_ForceSafely(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const poll = 200 * time.Millisecond
		a, b := w.machine("a"), w.machine("b")
		c := w.machine("c", dynalock.WithPollInterval(poll, poll))
		op := w.machine("operator")
		la := a.take("k")
		seen, err := op.GetLock(bg, "k")
		must(t, err)
		must(t, la.Release(bg))
		lb := b.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))

		_, err = op.ForceRelease(bg, "k", seen.Token)
		var held *dynalock.HeldError
		if !errors.As(err, &held) || held.Owner != "b" || held.Token != lb.Token() || !errors.Is(err, dynalock.ErrHeld) {
			t.Fatalf("with a's token: %v", err)
		}
		if time.Sleep(10 * time.Second); !lb.Held() {
			t.Fatal("b lost by a's token:", lb.Err())
		}

		type result struct {
			l   *dynalock.Lock
			err error
		}
		got := make(chan result, 1)
		go func() {
			l, err := c.AcquireLock(bg, "k", dynalock.Wait())
			got <- result{l, err}
		}()
		time.Sleep(5 * time.Second)
		was, err := op.ForceRelease(bg, "k", held.Token)
		must(t, err)
		forced := time.Now()
		if was.Owner != "b" || was.Token != lb.Token() {
			t.Errorf("%+v", was)
		}
		next := <-got
		must(t, next.err)
		if took := time.Since(forced); took > poll*5/4 {
			t.Errorf("c has it after %v", took)
		}
		endsBy(t, lb, time.Second) // within one renewal
		if why := lost(t, lb); why.Reason != dynalock.ReasonForced || why.By != "operator" {
			t.Errorf("%+v", why)
		}
		time.Sleep(time.Minute)
		if r := w.row("k"); uint64(r.Token) != next.l.Token() || !next.l.Held() || next.l.Token() <= lb.Token() || lb.Token() <= la.Token() {
			t.Errorf("%+v", r)
		}
	})
}

// On a free key it says so, and changes nothing.
func TestC10_ForceOnAFreeKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, op := w.machine("a"), w.machine("operator")
		l := a.take("k")
		must(t, l.Release(bg))
		for _, key := range []string{"k", "never"} {
			for _, token := range []uint64{0, l.Token(), 1} {
				_, err := op.ForceRelease(bg, key, token)
				matchesOnly(t, key, err, dynalock.ErrNotHeld)
			}
		}
		if keys := w.table.Keys(); len(keys) != 1 {
			t.Error(keys)
		}
	})
}

// What HoldAtLeast keeps taken can be forced free too.
func TestC10_ForceWhatIsOnlyHeld(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, op := w.machine("a"), w.machine("operator")
		must(t, a.take("k", dynalock.HoldAtLeast(time.Hour)).Release(bg))
		_, err := op.AcquireLock(bg, "k")
		matchesOnly(t, "acquire", err, dynalock.ErrHeld)
		info, err := op.GetLock(bg, "k")
		must(t, err)
		_, err = op.ForceRelease(bg, "k", info.Token)
		must(t, err)
		if l := op.take("k"); l.Token() <= info.Token {
			t.Errorf("token %d after %d", l.Token(), info.Token)
		}
	})
}
