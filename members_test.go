package dynalock_test

import (
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
		a, b, c, o := w.machine("a"), w.machine("b"), w.machine("c"), oracle{t: t}
		l, other := o.add(a, a.take("k", dynalock.KeepAlive())), a.take("other", dynalock.KeepAlive())
		pass(time.Minute)
		a.net.On(faultstore.Match{Key: "k"}, faultstore.Throttle())
		_, err := b.AttachLock(bg, l.Handle())
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
		a.clock.freeze()
		next := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
		pass(time.Minute)
		gate.Open()
		a.clock.thaw()
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
