package dynalock_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What clocks can do to a holder and to those who wait.

// A machine that is suspended, with its monotonic clock standing still, does
// not believe when it wakes: another has the lock. Nor does one whose monotonic
// clock stands still while its programs run.
func TestFound_SuspendedHolder(t *testing.T) {
	for name, opts := range map[string][]dynalock.AcquireOption{
		"renewed": live(), "leased": {dynalock.WithLease(lease)},
	} {
		for _, frozen := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", stopped ", frozen), func(t *testing.T) {
				inWorld(t, func(w *world) {
					a, b, o := w.process("a"), w.process("b"), oracle{t: w.t}
					l := o.add(a, a.take("k", opts...))
					next := b.wait(background, "k", liveWait()...)
					o.pass(1500 * time.Millisecond)
					a.clock.Suspend()
					if frozen {
						a.clock.Freeze()
					}
					o.passWith(20*time.Second, b, next)
					if !next.over() {
						w.t.Fatal("nobody took over")
					}
					a.clock.Wake()
					a.clock.Thaw()
					if l.Held() {
						w.t.Error("believes after the wake:", l)
					}
					o.pass(2 * lease)
					if !next.lock.Held() || l.Held() {
						w.t.Errorf("%v, %v", next.lock, l)
					}
				}, dates())
			})
		}
	}
}

// A waiter that is suspended takes nothing early, and gets the lock later.
func TestFound_SuspendedWaiter(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, o := w.process("a"), w.process("b", dynalock.ObserveOnly()), oracle{t: w.t}
		l := o.add(a, a.take("k", live()...))
		next := b.wait(background, "k", liveWait()...)
		for range 5 {
			o.pass(time.Second)
			b.clock.Suspend()
			b.clock.Freeze()
			o.pass(2 * lease)
			b.clock.Wake()
			b.clock.Thaw()
			if next.over() || !l.Held() {
				w.t.Fatalf("%v, %v; %v", next.lock, next.err, l)
			}
		}
		a.crash()
		o.pass(time.Second)
		o.add(b, next.within(w.t, lease+2*time.Second))
		o.check()
	}, dates())
}

// A wall clock that is set by an hour, and set right later, lets no two
// believe, and costs no lock that was to be had.
func TestFound_WallClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 5 * time.Second, -5 * time.Second} {
		for _, who := range []string{"holder", "waiter"} {
			t.Run(fmt.Sprint(who, jump), func(t *testing.T) {
				inWorld(t, func(w *world) {
					a, b, o := w.process("a"), w.process("b"), oracle{t: w.t}
					l := o.add(a, a.take("k", live()...))
					next := b.wait(background, "k", liveWait()...)
					o.pass(1500 * time.Millisecond)
					jumps := map[string]*machine{"holder": a, "waiter": b}[who]
					for _, to := range []time.Duration{jump, 0} {
						jumps.clock.SetWall(to)
						o.passWith(10*time.Second, b, next)
					}
					// A clock that is set forward may be a suspended machine's:
					// only then may the holder have lost the lock.
					if who == "waiter" && (next.over() || !l.Held()) {
						w.t.Fatalf("%v, %v; %v", next.lock, next.err, l)
					}
					if err := l.Release(background); err != nil && !errors.Is(err, dynalock.ErrLost) {
						w.t.Error(err)
					}
					got := next.within(w.t, 2*time.Second)
					if !got.Held() {
						w.t.Error(got)
					}
				}, dates())
			})
		}
	}
}

// A try goes by what it knew of the store's time before, and no wall clock that
// jumped since makes it take a lock that is held.
func TestFound_WallClockJumpsBeforeATry(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Second, 2 * time.Minute, time.Hour, -2 * time.Minute} {
		inWorld(t, func(w *world) {
			a, b := w.process("a"), w.process("b")
			l := a.take("k", live()...)
			b.take("other")
			pass(500 * time.Millisecond)
			b.clock.SetWall(jump)
			for range 20 {
				if got, err := b.AcquireLock(background, "k"); !errors.Is(err, dynalock.ErrHeld) {
					w.t.Fatalf("%v: %v, %v", jump, got, err)
				}
				pass(200 * time.Millisecond)
			}
			if !l.Held() {
				w.t.Error(l)
			}
		}, dates())
	}
}

// A wall clock that is wrong before the first answer of the store costs no
// call, and the lease that it led to write lets no two believe.
func TestFound_WallClockWrongAtFirst(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, time.Minute, 5 * time.Second, -2 * time.Second, -5 * time.Second, -time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b, o := w.process("a"), w.process("b"), oracle{t: w.t}
				a.clock.SetWall(ahead)
				first := b.take("other") // b knows the time
				l, err := a.AcquireLock(background, "k", live()...)
				if err != nil {
					w.t.Fatal("a free lock and a store that answers:", err)
				}
				o.add(a, l)
				next := b.wait(background, "k", dynalock.Wait())
				o.passWith(30*time.Second, b, next)
				if !l.Held() || next.over() || !first.Held() {
					w.t.Fatalf("%v; the waiter has %v, %v", l, next.lock, next.err)
				}
				// What it wrote with its first renewal goes by the store's time.
				if left := time.Until(w.keptAlive("k").Expires); left < 0 || left > lease+3*time.Second {
					w.t.Errorf("ends in %v", left)
				}
				a.crash()
				next.within(w.t, 3*lease)
			}, dates())
		})
	}
}

// A holder whose clock was an hour ahead and that died before any renewal does
// not keep those out who wait: they count its lease.
func TestFound_WrongEndIsObserved(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.process("a"), w.process("b")
		a.clock.SetWall(time.Hour)
		a.take("k", live()...)
		a.crash()
		next := b.wait(background, "k", dynalock.Wait())
		pass(lease)
		if next.over() {
			w.t.Fatal("taken before the lease had passed:", next.lock)
		}
		next.within(w.t, 2*time.Second)
	}, dates())
}

// Without any time from the store, everything goes by what is seen.
func TestFound_StoreWithoutTime(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		inWorld(t, func(w *world) {
			a, b, o := w.machine("a"), w.machine("b"), oracle{t: w.t}
			a.clock.SetWall(-jump)
			l := o.add(a, a.take("k", live()...))
			next := b.wait(background, "k", liveWait()...)
			o.pass(2 * lease)
			b.clock.SetWall(jump)
			o.pass(2 * lease)
			if !l.Held() || next.over() {
				w.t.Fatalf("%v; the waiter has %v, %v", l, next.lock, next.err)
			}
			// A wall clock that is set back does not make the lease longer.
			a.net.Down(faultstore.BlackHole())
			a.clock.SetWall(-time.Hour - jump)
			o.passWith(2*lease, b, next)
			o.check()
			next.within(w.t, 0)
		}, withoutTime())
	}
}
