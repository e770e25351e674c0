package dynalock_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What users of lock libraries report, as tests: group A is about safety. The
// figures are those of the reports' scenarios: a lease of 3 s, renewed every
// second.
const lease = 3 * time.Second

// live is a lock of that lease that its client renews.
func live() []dynalock.AcquireOption {
	return []dynalock.AcquireOption{dynalock.WithLease(lease), dynalock.KeepAlive()}
}

// liveWait is the same for those who wait.
func liveWait() []dynalock.AcquireOption { return append(live(), dynalock.Wait()) }

var background = context.Background()

// A renewal whose answer is lost is no loss: the next one recognises it. Nor is
// a lost answer to the move to the session, which is the first one.
func TestA1_RenewalAppliedAnswerLost(t *testing.T) {
	for name, tt := range map[string]struct {
		times int
		fault faultstore.Fault
	}{
		"cut":            {1, faultstore.ApplyCut()},
		"cut, retry too": {2, faultstore.ApplyCut()},
		"status 500":     {1, faultstore.Apply500()},
		"held":           {1, faultstore.Hold(2 * time.Second)},
		"swallowed":      {1, faultstore.BlackHoleApplied()},
	} {
		for skip, when := range []string{"the move", "of the session"} {
			t.Run(name+", "+when, func(t *testing.T) { testRenewalLost(t, (*machine).take, skip, tt.times, tt.fault) })
		}
		t.Run(name+", alone", func(t *testing.T) { testRenewalLost(t, (*machine).takeAlone, 0, tt.times, tt.fault) })
	}
}

func testRenewalLost(t *testing.T, take func(*machine, string, ...dynalock.AcquireOption) *dynalock.Lock, skip, times int, fault faultstore.Fault) {
	inWorld(t, func(w *world) {
		a, b, o := w.machine("a"), w.machine("b"), oracle{t: w.t}
		l := o.add(a, take(a, "k", live()...))
		rule := a.net.On(faultstore.Match{If: faultstore.Renewals, Skip: skip, Times: times}, fault)
		next := b.wait(background, "k", liveWait()...)
		token := l.Token()
		o.pass(4 * lease)
		if rule.Fired() != times {
			w.t.Fatalf("the fault was met %d times", rule.Fired())
		}
		if isClosed(l.Done()) || !l.Held() || l.Token() != token || next.over() {
			w.t.Fatalf("%v, token was %d; the waiter has %v, %v", l, token, next.lock, next.err)
		}
		if n := w.beats("k"); n < 10 || n > 18 {
			w.t.Errorf("%d writes in 4 leases: is it renewed?", n)
		}
		if err := l.Release(background); err != nil || w.row("k").Owner != "b" {
			w.t.Errorf("%v, row %+v", err, w.row("k"))
		}
		o.add(b, next.within(w.t, dynalock.DefaultPollMax*5/4))
		o.check()
	})
}

// An acquire that was carried out without an answer is recognised, with the
// lease counted from when it was first sent.
func TestA2_AcquireAppliedRetryMeetsOwnRow(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.process("a") // with bounds that leave the end to the local clocks
		former := a.take("k")
		if err := former.Release(background); err != nil {
			w.t.Fatal(err)
		}
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.ApplyCutAfter(200*time.Millisecond))
		began := time.Now()
		l := a.take("k", live()...)
		if took := time.Since(began); took > time.Second {
			w.t.Errorf("took %v", took)
		}
		if r := w.row("k"); l.Token() != former.Token()+1 || uint64(r.Token) != l.Token() || r.Seq != 1 {
			w.t.Errorf("token %d after %d, row %+v", l.Token(), former.Token(), r)
		}
		if d := l.Deadline(); d.After(began.Add(lease)) {
			w.t.Errorf("believed until %v after the first sending", d.Sub(began))
		}
	}, dates())
}

// Where a whole call stays without an answer, the next one goes on at once,
// and what looks after the first call leaves the second alone.
func TestA2_NextCallReplacesOwnRow(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, o := w.machine("a"), w.machine("b"), oracle{t: w.t}
		rule := a.net.On(faultstore.Match{If: faultstore.Acquires}, faultstore.ApplyCut())
		if l, err := a.AcquireLock(background, "k"); l != nil || !errors.Is(err, dynalock.ErrUnavailable) {
			w.t.Fatal(l, err)
		}
		if rule.Fired() < 2 {
			w.t.Fatal("no retry was made")
		}
		rule.Off()
		began := time.Now()
		l := o.add(a, a.take("k"))
		if took := time.Since(began); took > time.Second {
			w.t.Errorf("waited for itself: %v", took)
		}
		next := b.wait(background, "k", dynalock.Wait())
		o.pass(150 * time.Second)
		if !l.Held() || next.over() {
			w.t.Fatalf("%v; the waiter has %v, %v", l, next.lock, next.err)
		}
		if err := l.Release(background); err != nil {
			w.t.Fatal(err)
		}
		o.add(b, next.within(w.t, 2*time.Second))
		o.pass(150 * time.Second)
		if !next.lock.Held() {
			w.t.Error(next.lock)
		}
	})
}

func TestA2_HeldByAnother(t *testing.T) {
	for _, times := range []int{1, 3} {
		inWorld(t, func(w *world) {
			a, b := w.machine("a"), w.machine("b")
			l := b.take("k", live()...)
			a.net.On(faultstore.Match{If: faultstore.Acquires, Times: times}, faultstore.ApplyCut())
			got, err := a.AcquireLock(background, "k")
			var held *dynalock.HeldError
			if got != nil || !errors.As(err, &held) || held.Owner != "b" || held.Token != l.Token() {
				w.t.Errorf("%v, %v", got, err)
			}
			pass(150 * time.Second)
			if !l.Held() {
				w.t.Error(l)
			}
		})
	}
}

// A caller that gives up gets its error at once; what it had been given is
// undone behind it.
func TestA3_CallerGaveUp(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.Hold(2*time.Second))
		began := time.Now()
		ctx, cancel := context.WithTimeout(background, 200*time.Millisecond)
		defer cancel()
		l, err := a.AcquireLock(ctx, "k", live()...)
		if l != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 250*time.Millisecond {
			w.t.Fatalf("%v, %v after %v", l, err, time.Since(began))
		}
		pass(time.Until(began.Add(3 * time.Second)))
		if r := w.row("k"); r == nil || !r.Released {
			w.t.Errorf("1 s after the answer the row is %+v", r)
		}
		b.take("k")
	})
}

// If the undoing does not get through either, the lock ends with its lease:
// nothing renews it.
func TestA3_UndoIsSwallowed(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.Hold(2*time.Second))
		ctx, cancel := context.WithTimeout(background, 200*time.Millisecond)
		defer cancel()
		began := time.Now()
		next := a.wait(ctx, "k", live()...)
		pass(100 * time.Millisecond)
		a.net.Down(faultstore.BlackHole())
		<-next.got
		after := b.wait(background, "k", dynalock.Wait())
		pass(lease - 200*time.Millisecond)
		if r := w.row("k"); r == nil || r.Seq != 1 || after.over() {
			w.t.Fatalf("row %+v, the waiter has %v", r, after.lock)
		}
		after.within(w.t, time.Until(began.Add(lease+dynalock.DefaultPollMax)))
	})
}

// An endsCall ends the caller's context while an answer is on its way back.
type endsCall struct {
	lockstore.Store
	cancel context.CancelFunc
}

func (e *endsCall) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	r, err := e.Store.Write(ctx, key, w)
	if faultstore.Acquires(key, w) {
		e.cancel()
	}
	return r, err
}

// A lock whose answer comes with the cancel is given back at once.
func TestA3_CancelWithTheAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(background)
		defer cancel()
		a := w.connect("a", faultstore.New(w.table), func(s lockstore.Store) lockstore.Store {
			return &endsCall{s, cancel}
		})
		if l, err := a.AcquireLock(ctx, "k", dynalock.WithoutLease()); l != nil || !errors.Is(err, context.Canceled) {
			w.t.Fatal(l, err)
		}
		pass(time.Second)
		if r := w.row("k"); r == nil || !r.Released {
			w.t.Errorf("orphan %+v", r)
		}
	})
}

// Whatever the moment of the cancel: either a lock or an error, and no orphan.
func TestA3_CancelAroundTheAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		a.net.On(faultstore.Match{If: faultstore.Acquires}, faultstore.Hold(100*time.Millisecond))
		rng := rand.New(rand.NewPCG(3, 1))
		won := 0
		for i := range 500 {
			ctx, cancel := context.WithTimeout(background, seconds(rng, 0.07, 0.13))
			l, err := a.AcquireLock(ctx, "k", live()...)
			switch {
			case (l == nil) == (err == nil):
				w.t.Fatalf("round %d: %v, %v", i, l, err)
			case l != nil:
				won++
				if !l.Held() {
					w.t.Fatalf("round %d: %v", i, l)
				}
				if err := l.Release(background); err != nil {
					w.t.Fatalf("round %d: %v", i, err)
				}
			case !errors.Is(err, context.DeadlineExceeded):
				w.t.Fatalf("round %d: %v", i, err)
			}
			cancel()
			pass(time.Second)
			if r := w.row("k"); r == nil || !r.Released {
				w.t.Fatalf("round %d: orphan %+v", i, r)
			}
		}
		if won < 100 || won > 400 {
			w.t.Errorf("%d of 500 won: the cancels are not around the answer", won)
		}
	})
}
