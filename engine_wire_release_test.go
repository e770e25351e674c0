package dynalock_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// A4: a release that comes after its tenure has ended leaves the new holder's
// row alone, whether it is still sent or only arrives then.
func TestEngineA4(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, opts := range map[string][]dynalock.AcquireOption{"keep": nil, "delete": {dynalock.DeleteOnRelease()}} {
		tests[name+", sent after the loss"] = func(t *testing.T) {
			e := newEngineTable(t)
			a, b := e.warm("a", 4), e.warm("b", 1)
			l := a.take(t, "k", append(opts, shortLive()...)...)
			a.wire.On(0, wiretest.BlackHole)
			b.wait("k").within(t, 2*shortLease+slack)
			a.wire.Heal()
			a.wire.Forget()
			was := e.item("k")
			if err := l.Release(ever); !errors.Is(err, dynalock.ErrLost) || !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("%v", err)
			}
			if a.wire.Count() != 0 {
				t.Errorf("%q for what was known", a.wire.Steps())
			}
			e.unchanged("k", was)
		}
		tests[name+", arrives after the takeover"] = func(t *testing.T) {
			e := newEngineTable(t)
			a, b := e.warm("a", 4), e.warm("b", 1)
			l := a.take(t, "k", append(opts, dynalock.WithLease(safeLease))...)
			gate := wiretest.NewGate()
			a.wire.On(1, wiretest.Late(gate), wiretest.Release)
			a.wire.On(0, wiretest.BlackHole)
			ctx, cancel := context.WithTimeout(ever, 50*time.Millisecond)
			defer cancel()
			if err := l.Release(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			b.wait("k").within(t, 2*safeLease+slack)
			was := e.item("k")
			gate.Open()
			closes(t, gate.Delivered(), slack, "the late release is answered")
			if gate.Status() != 400 {
				t.Errorf("the engine answers it with %d", gate.Status())
			}
			e.unchanged("k", was)
			// The release that goes on in the background must not do it either.
			a.wire.Heal()
			var lost *dynalock.LostError
			if err := l.Release(ever); err != nil && (!errors.As(err, &lost) || lost.Reason != dynalock.ReasonTakenOver) {
				t.Errorf("%v", err)
			}
			e.unchanged("k", was)
		}
	}
	together(t, tests)
}

// A10: a release wins over renewals of its own tenure in whichever order they
// arrive, and none is sent after it.
func TestEngineA10(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){"at random moments": testReleaseAtRandom}
	eachSDK(tests, "answer held", func(t *testing.T, sdk int) {
		e := newEngineTable(t)
		a := e.warm("a", sdk)
		gate := wiretest.NewGate()
		a.wire.On(1, wiretest.Hold(gate), wiretest.Move)
		l := a.take(t, "k", safeLive()...)
		closes(t, gate.Arrived(), slack, "a renewal is under way")
		if err := l.Release(ever); err != nil || !e.free("k") {
			t.Errorf("%v, %s", err, showItem(e.item("k")))
		}
		gate.Open()
		stays(t, a, e.item("k"), e)
	})
	eachSDK(tests, "answer of a call held", func(t *testing.T, sdk int) {
		e := newEngineTable(t)
		a := e.warm("a", sdk)
		gate := wiretest.NewGate()
		a.wire.On(1, wiretest.Hold(gate), wiretest.Renew)
		l := a.take(t, "k")
		renewed := make(chan error, 1)
		go func() { renewed <- l.Renew(ever) }()
		closes(t, gate.Arrived(), slack, "a renewal is under way")
		began := time.Now()
		if err := l.Release(ever); err != nil || !e.free("k") {
			t.Errorf("%v, %s", err, showItem(e.item("k")))
		}
		// A single request may take 5 s.
		if took := time.Since(began); took > slack {
			t.Errorf("waited %v for its own renewal", took)
		}
		if err := <-renewed; !errors.Is(err, dynalock.ErrReleased) {
			t.Errorf("renew: %v", err)
		}
	})
	eachSDK(tests, "request late", func(t *testing.T, sdk int) {
		e := newEngineTable(t)
		a, b := e.warm("a", sdk), e.warm("b", 1)
		gate := wiretest.NewGate()
		a.wire.On(1, wiretest.Late(gate), wiretest.Move)
		l := a.take(t, "k", safeLive()...)
		closes(t, gate.Arrived(), slack, "a renewal is under way")
		if err := l.Release(ever); err != nil {
			t.Errorf("%v", err)
		}
		b.take(t, "k")
		was := e.item("k")
		gate.Open()
		closes(t, gate.Delivered(), slack, "the late renewal is answered")
		if gate.Status() != 400 {
			t.Errorf("the engine answers it with %d", gate.Status())
		}
		stays(t, a, was, e)
	})
	together(t, tests)
}

// stays fails the test if the client sends anything more for a while, save for
// the end of its session.
func stays(t *testing.T, w *wired, was rawItem, e *engineTable) {
	t.Helper()
	w.wire.Forget()
	time.Sleep(shortLease) // real time: nothing happens
	e.unchanged("k", was)
	for _, r := range w.wire.Log() {
		if !r.OfSession || r.Step != wiretest.Release {
			t.Errorf("after the release: %+v", r)
		}
	}
}

func testReleaseAtRandom(t *testing.T) {
	e := newEngineTable(t)
	a := e.warm("a", 4)
	for i := range 150 {
		l := a.take(t, "k", dynalock.WithLease(10*time.Second))
		renewed := make(chan error, 1)
		go func() { renewed <- l.Renew(ever) }()
		time.Sleep(rand.N(2 * time.Millisecond)) // real time: the moment is the point
		if err := l.Release(ever); err != nil {
			t.Fatalf("round %d: release: %v", i, err)
		}
		was, sent := e.item("k"), a.wire.Sent()
		if !boolOf(was, "isReleased") {
			t.Fatalf("round %d: %s", i, showItem(was))
		}
		if err := <-renewed; err != nil && !errors.Is(err, dynalock.ErrReleased) {
			t.Errorf("round %d: renew: %v", i, err)
		}
		if more := a.wire.Sent() - sent; more != 0 {
			t.Errorf("round %d: %d requests after the release", i, more)
		}
		e.unchanged("k", was)
	}
}

// C4: a release that failed is not forgotten, and one that succeeded costs
// nothing when it is repeated.
func TestEngineC4(t *testing.T) {
	t.Parallel()
	e := newEngineTable(t)
	a := e.warm("a", 4)
	l := a.take(t, "k")
	a.wire.On(0, wiretest.BlackHole)
	ctx, cancel := context.WithTimeout(ever, 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := l.Release(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 300*time.Millisecond+slack {
		t.Errorf("took %v", took)
	}
	if l.Held() || e.free("k") {
		t.Errorf("%v, %s", l, showItem(e.item("k")))
	}
	a.wire.Heal()
	if err := l.Release(ever); err != nil || !e.free("k") {
		t.Errorf("%v, %s", err, showItem(e.item("k")))
	}
	a.wire.Forget()
	if err := l.Release(ever); err != nil || a.wire.Count() != 0 {
		t.Errorf("a third time: %v, %q", err, a.wire.Steps())
	}
	if _, err := e.client("b").AcquireLock(ever, "k"); err != nil {
		t.Error(err)
	}
}
