package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A wait with a limit lasts that long, however often the holder changes.
func TestB3_LimitIsWallTime(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.take("k", live()...)
		began := time.Now()
		next := b.wait(background, "k", dynalock.WaitFor(5*lease))
		for !next.over() {
			pass(time.Second)
			// Another tenure, without a moment in which nobody has the lock.
			if _, err := a.ResumeLock(background, "k", live()...); err != nil {
				w.t.Fatal(err)
			}
		}
		if took := next.at.Sub(began); took < 5*lease || took > 5*lease+50*time.Millisecond {
			w.t.Errorf("gave up after %v", took)
		}
		if !errors.Is(next.err, dynalock.ErrHeld) || errors.Is(next.err, context.DeadlineExceeded) {
			w.t.Error(next.err)
		}
	})
}

// The limit counts while requests hang, too. Only the first request may take
// the time that a single try has.
func TestB3_LimitDuringOutage(t *testing.T) {
	const limit = 4500 * time.Millisecond
	for name, tt := range map[string]struct {
		healthy time.Duration // before the outage
		fault   faultstore.Fault
		most    time.Duration
	}{
		"reads swallowed": {time.Second, faultstore.BlackHole(), limit},
		"refused":         {time.Second, faultstore.Refuse(), limit},
		"answers late":    {time.Second, faultstore.Hold(4 * time.Second), limit},
		"all swallowed":   {0, faultstore.BlackHole(), 5 * time.Second},
		"all refused":     {0, faultstore.Refuse(), limit},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.machine("a"), w.machine("b")
				a.take("k")
				if tt.healthy == 0 {
					b.net.Down(tt.fault)
				}
				began := time.Now()
				next := b.wait(background, "k", dynalock.WaitFor(limit))
				pass(tt.healthy)
				b.net.Down(tt.fault)
				<-next.got
				if took := next.at.Sub(began); took < limit || took > tt.most+50*time.Millisecond {
					w.t.Errorf("gave up after %v: %v", took, next.err)
				}
				if errors.Is(next.err, context.DeadlineExceeded) {
					w.t.Error("a limit of our own shows as the caller's:", next.err)
				}
				if tt.healthy > 0 && !errors.Is(next.err, dynalock.ErrHeld) && !errors.Is(next.err, dynalock.ErrUnavailable) {
					w.t.Error(next.err)
				}
			})
		})
	}
}

// Without a limit a wait goes on, whatever lease the holder has.
func TestB3_NoLimit(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", live()...)
		next := b.wait(background, "k", dynalock.Wait())
		pass(20 * lease)
		if next.over() || !l.Held() {
			w.t.Errorf("%v, %v; %v", next.lock, next.err, l)
		}
	})
}

// A cancel ends the wait at once, in whatever state it is; so does Close.
func TestB3_CancelIsImmediate(t *testing.T) {
	slow := func() faultstore.Fault { return faultstore.Hold(0) }
	for name, tt := range map[string]struct {
		before bool // the outage begins before the call
		down   func() faultstore.Fault
	}{
		"between reads":                 {false, slow},
		"first request swallowed":       {true, faultstore.BlackHole},
		"read swallowed":                {false, faultstore.BlackHole},
		"pauses between refused tries":  {true, faultstore.Refuse},
		"pauses between throttled ones": {true, faultstore.Throttle},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.machine("a").take("k")
				b := w.machine("b", dynalock.WithPollInterval(30*time.Second, 30*time.Second))
				if tt.before {
					b.net.Down(tt.down())
				}
				ctx, cancel := context.WithCancel(background)
				defer cancel()
				cancelled := b.wait(ctx, "k", dynalock.Wait())
				pass(100 * time.Millisecond)
				b.net.Down(tt.down())
				if !tt.before {
					pass(40 * time.Second) // the next read is due at 37.5 s
				}
				closed := b.wait(background, "k", dynalock.Wait())
				pass(100 * time.Millisecond)
				cancel()
				pass(50 * time.Millisecond)
				if !cancelled.over() || !errors.Is(cancelled.err, context.Canceled) {
					w.t.Fatalf("50 ms after the cancel: %v, %v", cancelled.lock, cancelled.err)
				}
				soon, stop := context.WithTimeout(background, 10*time.Millisecond)
				defer stop()
				go func() { _ = b.Close(soon) }()
				pass(50 * time.Millisecond)
				if !closed.over() || !errors.Is(closed.err, dynalock.ErrClosed) {
					w.t.Errorf("50 ms after Close: %v, %v", closed.lock, closed.err)
				}
			})
		})
	}
}

// Close gives up when its context ends, though what it wants to undo hangs.
func TestB3_CloseIsBounded(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		a.take("live", live()...)
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.Hold(time.Second))
		ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
		defer cancel()
		if _, err := a.AcquireLock(ctx, "given up"); !errors.Is(err, context.DeadlineExceeded) {
			w.t.Fatal(err)
		}
		a.net.Down(faultstore.BlackHole())
		pass(2 * time.Second) // the lock that nobody got is being given back
		ctx, cancel = context.WithTimeout(background, time.Second)
		defer cancel()
		began := time.Now()
		if err := a.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			w.t.Error(err)
		}
		if took := time.Since(began); took > 1100*time.Millisecond {
			w.t.Errorf("Close took %v", took)
		}
	})
}
