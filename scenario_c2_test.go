package dynalock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// TestC2_ReleaseIsNoLoss: the lock's context ends, saying released; the
// caller's own is never touched.
func TestC2_ReleaseIsNoLoss(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var e events
		a := w.machine("a", dynalock.WithObserver(e.observe))
		l := a.take("k", dynalock.KeepAlive())
		parent, cancel := context.WithCancel(bg)
		defer cancel()
		ctx, done := l.Context(parent)
		defer done()
		if ctx.Err() != nil || ended(l.Done()) || l.Err() != nil {
			t.Fatal("ended before its time")
		}
		must(t, l.Release(bg))
		<-ctx.Done()
		if context.Cause(ctx) != dynalock.ErrReleased || l.Err() != dynalock.ErrReleased || !ended(l.Done()) {
			t.Error(context.Cause(ctx), l.Err())
		}
		if parent.Err() != nil || len(e.of(dynalock.EventLost)) != 0 {
			t.Error("more ended than the lock")
		}
	})
}

func TestC2_LossEndsTheContextWithItsCause(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		parent := within(t, time.Hour)
		first, done := l.Context(parent)
		defer done()
		second, done := l.Context(parent)
		done() // ends this one alone
		if second.Err() == nil || first.Err() != nil || !l.Held() {
			t.Error("a context's own end ended something else, or nothing")
		}
		w.machine("other").take("unrelated")
		w.table.Remove("k")
		<-first.Done()
		if context.Cause(first) != l.Err() || parent.Err() != nil {
			t.Error(context.Cause(first), l.Err(), parent.Err())
		}
		late, done := l.Context(parent)
		defer done()
		if context.Cause(late) != l.Err() {
			t.Error("a context of an ended lock:", context.Cause(late))
		}
		// "Still held" is nothing that the same client may say now.
		a.take("k")
	})
}

// The parent's values come through, and its end is not the lock's.
func TestC2_ContextBelongsToItsParent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k", dynalock.KeepAlive())
		parent, cancel := context.WithCancelCause(context.WithValue(bg, spanKey{}, "span"))
		ctx, done := l.Context(parent)
		defer done()
		cancel(errWhy)
		<-ctx.Done()
		if context.Cause(ctx) != errWhy || ctx.Value(spanKey{}) != "span" || !l.Held() {
			t.Error(context.Cause(ctx), l.Err())
		}
	})
}

// Expiring warns once no more than x can be proved: at the right end of the
// lease, and at once where that is so already.
func TestC2_EarlyWarning(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		warning := l.Expiring(time.Second)
		if !ended(l.Expiring(3 * time.Second)) {
			t.Error("x = lease: no warning at once")
		}
		time.Sleep(30 * time.Second)
		if ended(warning) {
			t.Fatal("warned of a lock that is renewed")
		}
		// Cut right after a renewal, so that a whole lease is left.
		renewal := a.net.On(faultstore.Match{If: movesEnd, Times: 1}, faultstore.Hold(0))
		<-renewal.Done()
		a.net.Down(faultstore.BlackHole())
		start := time.Now()
		<-warning
		if at := time.Since(start); at < 1900*time.Millisecond || at > 2100*time.Millisecond {
			t.Errorf("warned after %v of 3 s", at)
		}
		if !l.Held() {
			t.Error("warned too late:", l.Err())
		}
		a.net.Up()
		time.Sleep(10 * time.Second)
		if !l.Held() {
			t.Fatal(l.Err())
		}
		if !ended(warning) || ended(l.Expiring(time.Second)) {
			t.Error("a renewal opened the old warning, or a new one came at once")
		}
	})
}

// A warning also comes when the lock ends in another way, however little was
// asked for.
func TestC2_WarningAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for name, opts := range map[string]options{"live": {dynalock.KeepAlive()}, "durable": nil} {
			l := a.take(name, opts...)
			warnings := []<-chan struct{}{l.Expiring(time.Second), l.Expiring(0), l.Expiring(-time.Minute)}
			time.Sleep(time.Hour)
			for i, ch := range warnings {
				if ended(ch) {
					t.Errorf("%s: warning %d came for nothing", name, i)
				}
			}
			must(t, l.Release(bg))
			warnings = append(warnings, l.Expiring(time.Second), l.Expiring(0), l.Expiring(-time.Minute))
			for i, ch := range warnings {
				if !ended(ch) {
					t.Errorf("%s: warning %d did not come at the end", name, i)
				}
			}
		}
	})
}

// A durable lock warns too, though nothing renews it.
func TestC2_WarningOfADurableLock(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k")
		start := time.Now()
		<-l.Expiring(24 * time.Hour)
		want := dynalock.DefaultLease - 24*time.Hour
		// By 600 ppm early, as the store's clock may be ahead by that.
		if at := time.Since(start); at > want || at < want-want/1000 {
			t.Errorf("warned after %v, want %v", at, want)
		}
	})
}

// TestC2_WarningWithoutLease asks for what never comes. It must cost nothing:
// there is nothing to look at, however long the client has been up.
func TestC2_WarningWithoutLease(t *testing.T) {
	start := time.Now()
	var looks atomic.Int64
	c := dynalock.New(&hook.Store{Store: memstore.New(), Now: func() protocol.Moment {
		looks.Add(1)
		now := time.Now()
		return protocol.Moment{Mono: now.Sub(start) + 24*time.Hour, Wall: now.Round(0)}
	}})
	l, err := c.AcquireLock(bg, "k", dynalock.WithoutLease())
	must(t, err)
	never := l.Expiring(-time.Minute)
	warning := l.Expiring(time.Minute)
	before := looks.Load()
	time.Sleep(50 * time.Millisecond) // real time: in a bubble, a timer that never rests stops the clock
	if n := looks.Load() - before; n > 10 {
		t.Errorf("the clock was read %d times in 50 ms", n)
	}
	if ended(warning) || ended(never) {
		t.Error("a warning came for nothing")
	}
	must(t, c.Close(bg))
	if !ended(warning) || !ended(never) {
		t.Error("no warning at the end")
	}
}
