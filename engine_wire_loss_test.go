package dynalock_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// A6: a holder that cannot reach the store notices by itself, no later than a
// lease after it sent the last renewal that was confirmed, and before another
// can hold.
func TestEngineA6(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, breaks := range map[string]func(*wired){
		"swallowed":          func(a *wired) { a.wire.On(0, wiretest.BlackHole) },
		"one call hangs":     func(a *wired) { a.wire.On(1, wiretest.BlackHole); a.wire.On(0, wiretest.Cut) },
		"refused":            func(a *wired) { a.wire.On(0, wiretest.Cut) },
		"carried out, cut":   func(a *wired) { a.wire.On(0, wiretest.BlackHole, wiretest.Get); a.wire.On(0, wiretest.Apply500) },
		"throttled":          func(a *wired) { a.wire.On(0, wiretest.Throttle) },
		"denied":             func(a *wired) { a.wire.On(0, wiretest.Deny) },
		"credentials expire": func(a *wired) { a.expired.Store(true) },
	} {
		eachSDK(tests, name, func(t *testing.T, sdk int) { testCutOff(t, sdk, name, breaks) })
	}
	together(t, tests)
}

func testCutOff(t *testing.T, sdk int, name string, breaks func(*wired)) {
	e := newEngineTable(t)
	a, b := e.warm("a", sdk), e.warm("b", 1)
	l := a.take(t, "k", shortLive()...)
	next := b.wait("k", shortLive()...)
	// Past the first renewal, at any moment between two.
	time.Sleep(shortLease*2/5 + rand.N(shortLease/3)) // real time: the phase is the point
	breaks(a)
	cut := time.Now()
	last := lastHeld(t, l)
	closes(t, l.Done(), slack, "the holder is told")

	confirmed := confirmedBefore(a.wire.Log(), cut)
	if name == "carried out, cut" {
		confirmed = last // any of them may have been recognised
	}
	if late := last.Sub(confirmed.Add(shortLease)); late > 0 {
		t.Errorf("believed for %v after the lease of the last confirmed renewal had ended", late)
	}
	m := next.within(t, 2*shortLease+slack)
	if next.at.Before(last) {
		t.Errorf("%v acquired %v before the holder noticed", m, last.Sub(next.at))
	}
	if took := next.at.Sub(cut); took > 2*shortLease+slack {
		t.Errorf("the waiter got it %v after the cut", took)
	}
	var why *dynalock.LostError
	if err := l.Err(); !errors.As(err, &why) || why.Reason != dynalock.ReasonExpired || l.Held() {
		t.Fatalf("%v", err)
	}
	// Towards the lease's end a try has less and less time. That the last ones
	// ran out of it must not hide what the store had said.
	failures := a.failures()
	denied := slices.ContainsFunc(failures, func(err error) bool { return errors.Is(err, dynalock.ErrAccessDenied) })
	if denied && !errors.Is(why, dynalock.ErrAccessDenied) || len(failures) > 0 && why.Err == nil {
		t.Errorf("the cause is %v, after %q", why.Err, failures)
	}
}

// lastHeld waits until the lock is not held and gives the last moment at which
// it still was. It asks the handle, which goes by clocks: whoever waits for
// Done may be told late on a busy machine.
func lastHeld(t *testing.T, l *dynalock.Lock) (last time.Time) {
	t.Helper()
	eventually(t, 2*shortLease+slack, "the lock is not held", func() bool {
		now := time.Now()
		if !l.Held() {
			return true
		}
		last = now
		return false
	})
	return last
}

// confirmedBefore is when the last acquire or renewal was sent that met no
// fault.
func confirmedBefore(log []wiretest.Request, cut time.Time) (last time.Time) {
	for _, r := range log {
		if !r.Faulty && r.At.Before(cut) && (r.Step == wiretest.Acquire || r.Step == wiretest.Renew) {
			last = r.At
		}
	}
	return last
}

// B4: no single failure ends the renewals.
func TestEngineB4(t *testing.T) {
	t.Parallel()
	together(t, map[string]func(*testing.T){
		"one failure of each kind": func(t *testing.T) {
			e := newEngineTable(t)
			a := e.warm("a", 1)
			l := a.take(t, "k", safeLive()...)
			for _, fault := range []wiretest.Fault{
				wiretest.Apply500, wiretest.Throttle, wiretest.Cut, wiretest.Garble, wiretest.Expired, wiretest.ApplyCut,
			} {
				rule := a.wire.On(1, fault, wiretest.Renew)
				eventually(t, safeLease, "a renewal meets the fault", func() bool { return rule.Met() == 1 })
				beats := e.beats("k")
				eventually(t, safeLease, "it is renewed again", func() bool { return e.beats("k") > beats })
				if !l.Held() {
					t.Fatal(l.Err())
				}
			}
		},
		"acquired after a loss, and after a release": func(t *testing.T) {
			e := newEngineTable(t)
			a := e.warm("a", 1)
			l := a.take(t, "k", shortLive()...)
			e.remove("k")
			closes(t, l.Done(), slack, "the holder notices")
			var lost *dynalock.LostError
			if !errors.As(l.Err(), &lost) || lost.Reason != dynalock.ReasonGone {
				t.Error(l.Err())
			}
			again := a.take(t, "k", shortLive()...)
			if again.Token() <= l.Token() {
				t.Errorf("token %d after %d", again.Token(), l.Token())
			}
			if err := again.Release(ever); err != nil {
				t.Fatal(err)
			}
			third := a.take(t, "k", safeLive()...)
			time.Sleep(3 * safeLease / 2) // real time: several renewals
			if !third.Held() || e.beats("k") < 4 {
				t.Errorf("%v, %s", third, showItem(e.item("k")))
			}
		},
	})
}
