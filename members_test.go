package dynalock_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What reaches a lock that a session keeps alive, and what ends a session.

func ofSession(key string, _ lockstore.Write) bool { return isSession(key) }

// A mark tells that something changes; until the lock could be read, the
// session's renewals prove nothing about it.
func TestMark_WhatCannotBeReadEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, c, o := w.machine("a"), w.machine("a"), w.machine("c"), oracle{t: t}
		l, other := o.add(a, a.take("k", dynalock.KeepAlive())), a.take("other", dynalock.KeepAlive())
		pass(time.Minute)
		a.net.On(faultstore.Match{Key: "k"}, faultstore.Throttle())
		_, err := b.ResumeLock(bg, "k")
		must(t, err)
		b.crash()
		o.passWith(5*time.Minute, c, c.wait(bg, "k", dynalock.WaitFor(5*time.Minute)))
		if l.Held() || !other.Held() {
			t.Errorf("%v, %v", l, other)
		}
	})
}

// Whatever a mark announces comes late, and who made the mark is gone.
func TestMark_WhatComesLateIsSeen(t *testing.T) {
	for name, act := range map[string]func(m *machine, l *dynalock.Lock){
		"force": func(m *machine, l *dynalock.Lock) {
			m.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, faultstore.Late(15*time.Second))
			m.ForceRelease(bg, "k", l.Token())
		},
		"attach": func(m *machine, l *dynalock.Lock) {
			handle := l.Handle()
			m.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.Late(15*time.Second))
			m.AttachLock(bg, handle)
		},
		"resume": func(m *machine, _ *dynalock.Lock) {
			m.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.Late(15*time.Second))
			m.ResumeLock(bg, "k")
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b, o := w.machine("a"), w.machine("b"), oracle{t: t}
				l := o.add(a, a.take("k", dynalock.KeepAlive()))
				pass(time.Minute)
				op := w.machine("a")
				go act(op, l)
				pass(100 * time.Millisecond)
				op.crash()
				next := b.wait(bg, "k", dynalock.WaitFor(5*time.Minute))
				o.passWith(20*time.Second, b, next)
				pass(7 * time.Second)
				if next.err == nil && next.lock != nil && l.Held() {
					t.Errorf("%v and %v", l, next.lock)
				}
			})
		})
	}
}

// An item that somebody deletes by hand is missed within a lease, as long as
// the client has no more live locks than are looked at in that time.
func TestSession_DeletedByHand(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		var all []*dynalock.Lock
		for i := range 48 {
			all = append(all, a.take(fmt.Sprint("k", i), dynalock.KeepAlive()))
		}
		pass(time.Minute)
		for _, key := range []string{"k0", "k17", "k47"} {
			w.table.Remove(key)
		}
		pass(dynalock.DefaultLiveLease + time.Second)
		for i, l := range all {
			if gone := i == 0 || i == 17 || i == 47; l.Held() == gone || gone && lost(t, l).Reason != dynalock.ReasonGone {
				t.Errorf("%d: %v, %v", i, l, l.Err())
			}
		}
	})
}

// Whoever asks for a handle may use the tenure elsewhere: the lock has a lease
// of its own again, at once.
func TestSession_HandleLeavesIt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive())
		pass(time.Minute)
		if w.row("k").Session == "" {
			t.Fatal("not in a session")
		}
		failing := a.net.On(faultstore.Match{Key: "k", Times: 1}, faultstore.Throttle())
		l.Handle()
		pass(5 * time.Second)
		if r := w.row("k"); r.Session != "" || r.Expires.IsZero() || failing.Fired() != 1 {
			t.Errorf("%+v", r)
		}
		pass(time.Minute)
		if !l.Held() || w.row("k").Session != "" {
			t.Errorf("%v, %+v", l, w.row("k"))
		}
	})
}

// A session's key that does not answer costs no lock: each is renewed by itself.
func TestSession_ItsKeyDoesNotAnswer(t *testing.T) {
	for name, f := range map[string]faultstore.Fault{"black hole": faultstore.BlackHole(), "throttled": faultstore.Throttle()} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a := w.machine("a")
				a.net.On(faultstore.Match{If: ofSession}, f)
				var all []*dynalock.Lock
				for i := range 40 {
					all = append(all, a.take(fmt.Sprint(i), dynalock.KeepAlive()))
				}
				pass(time.Minute)
				for _, l := range all {
					if !l.Held() {
						t.Error(l.Err())
					}
				}
			})
		})
	}
}

// A renewal of a session that arrives after somebody saw it ended brings
// nothing back, whatever it looks like in the table.
func TestSession_RenewedTooLate(t *testing.T) {
	for name, f := range map[string]faultstore.Fault{
		"late": faultstore.Late(25 * time.Second), "delayed": faultstore.Delay(25 * time.Second), "held": faultstore.Hold(25 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b, o := w.machine("a"), w.machine("b"), oracle{t: t}
				l := o.add(a, a.take("k", dynalock.KeepAlive()))
				pass(time.Minute)
				a.net.On(faultstore.Match{If: ofSession}, f)
				next := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
				o.passWith(2*time.Minute, b, next)
				if next.lock == nil || l.Held() || !next.lock.Held() {
					t.Errorf("%v, %v", l, next.lock)
				}
			})
		})
	}
}

// A process that was frozen in the middle of its session's renewal finds its
// locks lost, though the renewal was made.
func TestSession_FrozenInARenewal(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, o := w.machine("a"), w.machine("b"), oracle{t: t}
		l := o.add(a, a.take("k", dynalock.KeepAlive()))
		pass(time.Minute)
		gate := faultstore.NewGate()
		a.net.On(faultstore.Match{If: ofSession, Times: 1}, gate.After())
		<-gate.Arrived()
		a.clock.Freeze()
		next := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
		pass(time.Minute)
		gate.Open()
		a.clock.Thaw()
		o.passWith(time.Minute, b, next)
		if next.lock == nil || l.Held() || !next.lock.Held() {
			t.Errorf("%v, %v", l, next.lock)
		}
	})
}

// A tenant's session records are as little a lock as those without a prefix.
func TestSession_KeysWithAPrefixAreReserved(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a", dynalock.WithSessionKeyPrefix("tenant/"))
		a.take("tenant/k", dynalock.KeepAlive())
		pass(time.Minute)
		session := w.row("tenant/k").Session
		if w.row(session) == nil {
			t.Fatal("no session")
		}
		_, err := a.ReleaseLock(bg, session)
		matchesOnly(t, "ReleaseLock", err, dynalock.ErrInvalidKey)
		_, err = a.AcquireLock(bg, "tenant/dynalock:x")
		matchesOnly(t, "AcquireLock", err, dynalock.ErrInvalidKey)
		for info, err := range a.Locks(bg) {
			if must(t, err); info.Key != "tenant/k" || info.State != dynalock.StateHeld {
				t.Errorf("%+v", info)
			}
		}
	})
}

// An extension whose answer is lost is no loss, in a session either: the lock is
// renewed by itself until it is known how long it was promised.
func TestSession_ExtendOfUnknownOutcome(t *testing.T) {
	for name, f := range map[string]faultstore.Fault{"lost": faultstore.BlackHole(), "made": faultstore.BlackHoleApplied()} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b, o := w.machine("a"), w.machine("b"), oracle{t: t}
				l := o.add(a, a.take("k", dynalock.KeepAlive()))
				pass(time.Minute)
				a.net.On(faultstore.Match{Key: "k", If: faultstore.Renewals, Times: 2}, f)
				ctx, cancel := context.WithTimeout(bg, 500*time.Millisecond)
				defer cancel()
				if err := l.Extend(ctx, 30*time.Second); err == nil {
					t.Fatal("extended")
				}
				o.passWith(3*time.Minute, b, b.wait(bg, "k", dynalock.WaitFor(3*time.Minute)))
				if !l.Held() {
					t.Error(l.Err())
				}
			})
		})
	}
}

// A read that was under way when a mark was seen, or when the session was
// renewed again, proves nothing of what came after it.
func TestMark_ReadOnTheWay(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, op, b, o := w.machine("a"), w.machine("op"), w.machine("b"), oracle{t: t}
		l := o.add(a, a.take("k", dynalock.KeepAlive()))
		pass(time.Minute)
		// Every read of the lock takes long, and shows what was there before.
		a.net.On(faultstore.Match{Key: "k", Op: faultstore.OpGet}, faultstore.Hold(4900*time.Millisecond))
		op.net.On(faultstore.Match{If: faultstore.Releases}, faultstore.Delay(4*time.Second))
		_, err := op.ForceRelease(bg, "k", l.Token())
		must(t, err)
		next := b.wait(bg, "k", dynalock.WithLease(time.Hour), dynalock.Wait())
		pass(27 * time.Second) // a lease after the change, and a look
		if l.Held() || next.lock == nil {
			t.Errorf("%v, %v", l, next.lock)
		}
	})
}

// Nobody takes a tenure out of a session but its holder: AttachLock waits.
func TestSession_AttachWaitsForTheHolder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, o := w.machine("a"), w.machine("b"), oracle{t: t}
		l := o.add(a, a.take("k", dynalock.KeepAlive()))
		pass(time.Minute)
		blocked := a.net.On(faultstore.Match{Key: "k", If: faultstore.Renewals, Times: 3}, faultstore.Refuse500())
		handle := l.Handle()
		other, err := b.AttachLock(bg, handle)
		must(t, err)
		if blocked.Fired() != 3 || w.row("k").Session != "" || !other.Held() || !l.Held() {
			t.Errorf("%d, %+v, %v, %v", blocked.Fired(), w.row("k"), l, other)
		}
		a.net.Down(faultstore.BlackHole())
		a.clock.Freeze()
		ctx, cancel := context.WithTimeout(bg, 5*time.Second)
		defer cancel()
		must(t, other.Renew(ctx))
	})
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.KeepAlive())
		pass(time.Minute)
		a.net.On(faultstore.Match{Key: "k"}, faultstore.Throttle())
		_, err := b.AttachLock(bg, l.Handle())
		matchesOnly(t, "AttachLock", err, dynalock.ErrUnavailable)
	})
}
