package dynalock_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A lock that ended without a release that was answered must not stay held for
// as long as its session keeps others alive.
func TestSessionKeepsNoEndedLock(t *testing.T) {
	lease := dynalock.WithLease(3 * time.Second)
	ofK := func(key string, _ lockstore.Write) bool { return key == "k" }
	for name, end := range map[string]func(t *testing.T, a *machine){
		"HoldAtMost": func(t *testing.T, a *machine) {
			endsBy(t, a.take("k", dynalock.KeepAlive(), lease, dynalock.HoldAtMost(time.Minute)), time.Minute+time.Millisecond)
		},
		"its release is denied": func(t *testing.T, a *machine) {
			l := a.take("k", dynalock.KeepAlive(), lease)
			pass(10 * time.Second)
			a.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, faultstore.Deny())
			matchesOnly(t, "release", l.Release(bg), dynalock.ErrAccessDenied)
		},
		"its release is throttled for long": func(t *testing.T, a *machine) {
			l := a.take("k", dynalock.KeepAlive(), lease)
			pass(10 * time.Second)
			rule := a.net.On(faultstore.Match{If: ofK}, faultstore.Throttle())
			matchesOnly(t, "release", l.Release(bg), dynalock.ErrThrottled)
			rule.Off()
		},
		"expired while its move was in doubt": func(t *testing.T, a *machine) {
			a.net.On(faultstore.Match{If: ofK, Skip: 1, Times: 1}, faultstore.ApplyCut())
			rule := a.net.On(faultstore.Match{If: ofK, Skip: 1}, faultstore.Throttle())
			endsBy(t, a.take("k", dynalock.KeepAlive(), lease), 3*time.Second)
			rule.Off()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				other := a.take("other", dynalock.KeepAlive(), lease)
				end(t, a)
				if _, err := b.AcquireLock(bg, "k", dynalock.WaitFor(15*time.Second)); err != nil {
					t.Error("it stays held:", err)
				}
				if !other.Held() {
					t.Error(other.Err())
				}
			})
		})
	}
}

// Whoever ends or changes a session's lock from outside marks the session
// first. The look that follows may come before the write: it must not be the
// last.
func TestSessionNoticesWhatComesLate(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, m *machine, l *dynalock.Lock){
		"force": func(t *testing.T, m *machine, l *dynalock.Lock) {
			m.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, faultstore.Delay(2*time.Second))
			_, err := m.ForceRelease(bg, "k", l.Token())
			must(t, err)
		},
		"release by key": func(t *testing.T, m *machine, _ *dynalock.Lock) {
			m.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, faultstore.Delay(2*time.Second))
			_, err := m.ReleaseLock(bg, "k")
			must(t, err)
		},
		"resume, and release": func(t *testing.T, m *machine, _ *dynalock.Lock) {
			m.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.Delay(2*time.Second))
			l, err := m.ResumeLock(bg, "k")
			must(t, err)
			must(t, l.Release(bg))
		},
		"attach, and its lease ends": func(t *testing.T, m *machine, l *dynalock.Lock) {
			m.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.Delay(2*time.Second))
			_, err := m.AttachLock(bg, l.Handle())
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b, o := w.machine("a"), w.machine("b"), oracle{t: t}
				l := o.add(a, a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second)))
				pass(10 * time.Second)
				act(t, w.machine("a"), l)
				pass(1100 * time.Millisecond) // a third of the lease
				next := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.WaitFor(20*time.Second))
				o.passWith(30*time.Second, b, next)
				if held := l.Held(); held == (next.err == nil) {
					t.Errorf("%v; the other has %v, %v", l, next.lock, next.err)
				}
			})
		})
	}
}
