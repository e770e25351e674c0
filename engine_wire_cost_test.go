package dynalock_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// What calls cost in requests: C5 (a try that does not block) and D6.
func TestEngineCosts(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){
		"50 tries at once":      testTriesAtOnce,
		"a dead lock, by clock": testDeadLock,
		"waiters only read":     testWaitersRead,
	}
	eachSDK(tests, "one client", func(t *testing.T, sdk int) {
		e := newEngineTable(t)
		a, b := e.wired("a", sdk), e.wired("b", sdk)
		costs := func(w *wired, what string, want ...string) {
			t.Helper()
			if got := w.wire.Steps(); !slices.Equal(got, want) {
				t.Errorf("%s: requests %q, want %q", what, got, want)
			}
		}
		l := a.take(t, "k")
		costs(a, "acquire", wiretest.Acquire)
		if err := l.Release(ever); err != nil {
			t.Fatal(err)
		}
		costs(a, "release", wiretest.Release)
		l = a.take(t, "k", dynalock.DeleteOnRelease())
		costs(a, "acquire again", wiretest.Acquire)
		began := time.Now()
		if _, err := b.AcquireLock(ever, "k"); !errors.Is(err, dynalock.ErrHeld) {
			t.Error(err)
		}
		costs(b, "failed try", wiretest.Acquire)
		if took := time.Since(began); took > slack {
			t.Errorf("the failed try took %v", took)
		}
		if err := l.Renew(ever); err != nil {
			t.Error(err)
		}
		costs(a, "renew", wiretest.Renew)
		if err := l.Update(ever, []byte("x")); err != nil {
			t.Error(err)
		}
		costs(a, "update", wiretest.Update)
		if released, err := a.ReleaseLock(ever, "k"); !released || err != nil {
			t.Error(released, err)
		}
		costs(a, "release by key with the handle", wiretest.Release)
		if released, err := b.ReleaseLock(ever, "k"); !released || err != nil {
			t.Error(released, err)
		}
		costs(b, "release by key of a free lock", wiretest.Get)
		if _, err := b.AcquireLock(ever, ""); !errors.Is(err, dynalock.ErrInvalidKey) {
			t.Error(err)
		}
		costs(b, "an invalid key")
		// The library knows of each request, and of none that was not sent.
		if sent, asked := a.wire.Sent(), int(a.asked.Load()); sent != asked {
			t.Errorf("%d requests, the library knows %d", sent, asked)
		}
	})
	together(t, tests)
}

func testTriesAtOnce(t *testing.T) {
	const tries = 50
	e := newEngineTable(t)
	clients := make([]*wired, tries)
	for i := range clients {
		clients[i] = e.warm("o", 4) // one owner name, which changes nothing
	}
	locks, errs := make([]*dynalock.Lock, tries), make([]error, tries)
	var running sync.WaitGroup
	start := make(chan struct{})
	for i, c := range clients {
		running.Go(func() {
			<-start
			locks[i], errs[i] = c.AcquireLock(ever, "k")
		})
	}
	close(start)
	running.Wait()
	won := 0
	for i, c := range clients {
		var held *dynalock.HeldError
		switch {
		case errs[i] == nil:
			won++
		case !errors.As(errs[i], &held) || held.Owner != "o" || held.Token == 0 || held.Since.IsZero():
			t.Errorf("%v", errs[i])
		}
		if got := c.wire.Steps(); !slices.Equal(got, []string{wiretest.Acquire}) {
			t.Errorf("a try costs %q", got)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, tries)
	}
}

// B1: a lock whose holder died long ago is there for the first try of a
// process that never saw it before.
func testDeadLock(t *testing.T) {
	e := newEngineTable(t)
	dead := e.warm("dead", 1)
	dead.take(t, "k", dynalock.WithLease(shortLease))
	it := e.item("k")
	for name, ago := range map[string]time.Duration{"timestamp": time.Second, "ttl": time.Second, "expires": time.Millisecond} {
		it[name] = attrN(time.Now().AddDate(-1, 0, 0).UnixNano() / int64(ago))
	}
	e.put(it)
	fresh := e.wired("fresh", 4)
	l := fresh.take(t, "k")
	if got := fresh.wire.Steps(); len(got) > 2 || fresh.wire.Count(wiretest.Get) > 0 {
		t.Errorf("it costs %q", got)
	}
	if int64(l.Token()) <= numberOf(it, "token") {
		t.Errorf("token %d after %d", l.Token(), numberOf(it, "token"))
	}
	// And one that knows the time needs no second request.
	it["nonce"] = attrB("0123456789abcdef")
	e.put(it)
	warm := e.warm("warm", 4)
	warm.take(t, "k")
	if got := warm.wire.Steps(); !slices.Equal(got, []string{wiretest.Acquire}) {
		t.Errorf("with the time known it costs %q", got)
	}
	// Who may not go by the clock cannot know yet, and says when it can.
	it["lease"] = attrN(10_000)
	e.put(it)
	var held *dynalock.HeldError
	if _, err := e.warm("o", 4, dynalock.ObserveOnly()).AcquireLock(ever, "k"); !errors.As(err, &held) {
		t.Fatal(err)
	}
	if wait := time.Until(held.RetryAt); wait <= 0 || wait > 10*time.Second+100*time.Millisecond {
		t.Errorf("a retry can succeed in %v", wait)
	}
}

func testWaitersRead(t *testing.T) {
	const waiters = 20
	e := newEngineTable(t)
	holder := e.warm("holder", 1).take(t, "k")
	ctx, cancel := context.WithCancel(ever)
	defer cancel()
	clients := make([]*wired, waiters)
	var running sync.WaitGroup
	for i := range clients {
		clients[i] = e.warm("waiter", 4)
		running.Go(func() {
			if _, err := clients[i].AcquireLock(ctx, "k", dynalock.Wait()); !errors.Is(err, context.Canceled) || !errors.Is(err, dynalock.ErrHeld) {
				t.Errorf("%v", err)
			}
		})
	}
	began := time.Now()
	time.Sleep(time.Second) // real time: they wait
	cancel()
	running.Wait()
	watched := time.Since(began)
	reads := 0
	for _, c := range clients {
		reads += c.wire.Count(wiretest.Get)
		// It tries, joins, reads and, when it gives up, leaves the queue: again where
		// others before it did at the same moment.
		steps := slices.DeleteFunc(c.wire.Steps(), func(step string) bool { return step == wiretest.Get })
		begins := len(steps) >= 2 && steps[0] == wiretest.Acquire && steps[1] == wiretest.Join
		if !begins || len(steps) > 2+waiters || slices.ContainsFunc(steps[min(len(steps), 2):], func(step string) bool { return step != wiretest.Leave }) {
			t.Errorf("writes %q", steps)
		}
	}
	// From 20 ms on, backing off to 100 ms, each with a jitter of a quarter; the
	// farther back in the queue, the less.
	if most := waiters * int(watched/(50*time.Millisecond)); reads > most || reads < waiters {
		t.Errorf("%d reads by %d waiters in %v, at most %d", reads, waiters, watched, most)
	}
	if !holder.Held() {
		t.Error(holder.Err())
	}
}
