package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// The scenarios of group A on a real engine and wire: see SCENARIOS of the
// scenario files for the same in fake time. Each runs with the SDK's retries
// switched off and on.

// eachSDK adds a test for either.
func eachSDK(tests map[string]func(*testing.T), name string, test func(t *testing.T, sdkAttempts int)) {
	for _, attempts := range []int{1, 4} {
		tests[fmt.Sprintf("%s, SDK tries %d", name, attempts)] = func(t *testing.T) { test(t, attempts) }
	}
}

// A1: a renewal that was carried out without an answer is no loss.
func TestEngineA1(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, fault := range map[string]wiretest.Fault{
		"cut": wiretest.ApplyCut, "status 500": wiretest.Apply500, "garbled": wiretest.Garble,
		"held": wiretest.Hold(wiretest.NewGate()), "cut before": wiretest.Cut, "throttled": wiretest.Throttle,
	} {
		eachSDK(tests, name+", KeepAlive", func(t *testing.T, sdk int) { testLostRenewal(t, sdk, fault) })
		eachSDK(tests, name+", Renew", func(t *testing.T, sdk int) { testLostRenewCall(t, sdk, fault) })
	}
	together(t, tests)
}

func testLostRenewal(t *testing.T, sdk int, fault wiretest.Fault) {
	e := newEngineTable(t)
	a, b := e.warm("a", sdk), e.warm("b", sdk)
	l := a.take(t, "k", safeLive()...)
	rule := a.wire.On(1, fault, wiretest.Renew)
	next := b.wait("k", safeLive()...)
	token := l.Token()
	select {
	case <-l.Done():
		t.Fatalf("lost: %v", l.Err())
	case <-next.got:
		t.Fatalf("the waiter got %v, %v", next.lock, next.err)
	case <-time.After(2 * safeLease):
	}
	if rule.Met() != 1 || a.wire.Count(wiretest.Renew) < 4 {
		t.Errorf("the fault was met %d times in %d renewals", rule.Met(), a.wire.Count(wiretest.Renew))
	}
	if l.Token() != token || numberOf(e.item("k"), "token") != int64(token) {
		t.Errorf("token %d became %d in %s", token, l.Token(), showItem(e.item("k")))
	}
	if err := l.Release(ever); err != nil {
		t.Fatal(err)
	}
	next.within(t, slack)
}

func testLostRenewCall(t *testing.T, sdk int, fault wiretest.Fault) {
	e := newEngineTable(t)
	a := e.warm("a", sdk)
	l := a.take(t, "k")
	before := numberOf(e.item("k"), "seq")
	rule := a.wire.On(1, fault, wiretest.Renew)
	ctx, cancel := context.WithTimeout(ever, 200*time.Millisecond)
	defer cancel()
	// Where there is no answer at all, the caller's time ends first.
	if err := l.Renew(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("renew: %v", err)
	}
	if err := l.Renew(ever); err != nil || !l.Held() {
		t.Fatalf("renew again: %v, %v", err, l)
	}
	if rule.Met() != 1 {
		t.Errorf("the fault was met %d times", rule.Met())
	}
	if after := numberOf(e.item("k"), "seq"); after <= before {
		t.Errorf("nothing was written: seq %d", after)
	}
	if err := l.Release(ever); err != nil || !e.free("k") {
		t.Errorf("%v, %s", err, showItem(e.item("k")))
	}
}

// A2: an acquire whose answer was lost is recognised by the next try.
func TestEngineA2(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, fault := range map[string]wiretest.Fault{
		"cut": wiretest.ApplyCut, "status 500": wiretest.Apply500, "garbled": wiretest.Garble,
	} {
		eachSDK(tests, name+" once", func(t *testing.T, sdk int) {
			e := newEngineTable(t)
			a := e.warm("a", sdk)
			former := a.take(t, "k")
			if err := former.Release(ever); err != nil {
				t.Fatal(err)
			}
			a.wire.On(1, fault, wiretest.Acquire)
			began := time.Now()
			l := a.take(t, "k", dynalock.WithLease(10*time.Second))
			if took := time.Since(began); took > slack {
				t.Errorf("took %v", took)
			}
			if l.Token() != former.Token()+1 || numberOf(e.item("k"), "token") != int64(l.Token()) {
				t.Errorf("token %d after %d in %s", l.Token(), former.Token(), showItem(e.item("k")))
			}
			first := a.wire.Log(wiretest.Acquire)[1] // after the former's
			if d := l.Deadline().Sub(first.At) - 10*time.Second; !first.Faulty || d > time.Millisecond {
				t.Errorf("believed for %v longer than the lease after the first sending", d)
			}
		})
		eachSDK(tests, name+" each time", func(t *testing.T, sdk int) {
			e := newEngineTable(t)
			a := e.warm("a", sdk)
			rule := a.wire.On(0, fault, wiretest.Acquire)
			if l, err := a.AcquireLock(ever, "k"); l != nil || !errors.Is(err, dynalock.ErrUnavailable) {
				t.Fatal(l, err)
			}
			if rule.Met() < 2 {
				t.Error("it was not tried again")
			}
			rule.Off()
			began := time.Now()
			l := a.take(t, "k")
			if took := time.Since(began); took > slack {
				t.Errorf("waited for itself: %v", took)
			}
			// What looks after the first call leaves the second's lock alone.
			time.Sleep(1200 * time.Millisecond) // real time: two looks
			if err := l.Renew(ever); err != nil {
				t.Error(err)
			}
		})
		eachSDK(tests, name+" while held by another", func(t *testing.T, sdk int) {
			e := newEngineTable(t)
			a, b := e.warm("a", sdk), e.warm("b", sdk)
			l := b.take(t, "k")
			was := e.item("k")
			a.wire.On(1, fault, wiretest.Acquire)
			got, err := a.AcquireLock(ever, "k")
			var held *dynalock.HeldError
			if got != nil || !errors.As(err, &held) || held.Owner != "b" || held.Token != l.Token() {
				t.Errorf("%v, %v", got, err)
			}
			e.unchanged("k", was)
		})
	}
	together(t, tests)
}
