package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// The tests named TestRegress are of faults that this code had, each told by
// its name and comment. Here: requests whose answers were lost or late, and
// what the client does about them behind its callers.

// attach gives another handle to the tenure of l.
func (m *machine) attach(l *dynalock.Lock) *dynalock.Lock {
	m.t.Helper()
	other, err := m.AttachLock(background, l.Handle())
	if err != nil {
		m.t.Fatal(err)
	}
	return other
}

// keep lets time go by and renews now and then.
func keep(w *world, l *dynalock.Lock, d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); pass(2 * time.Second) {
		if err := l.Renew(background); err != nil {
			w.t.Fatal(err)
		}
	}
}

// An acquire whose answer had been lost made its tenure one to be cleaned up,
// and that stayed so when the retry recognised it. As soon as the client's last
// handle of it had ended, the client released a lock that others held.
// (Looks and handles of one client: TestFound_LooksSpareAttachedHandles.)
func TestRegress_CleaningEndedAHeldTenure(t *testing.T) {
	const short = 10 * time.Second
	for name, does := range map[string]func(w *world, a *machine){
		"by Close": func(w *world, a *machine) {
			if err := a.Close(background); err != nil {
				w.t.Error(err)
			}
		},
		"by the next acquire": func(w *world, a *machine) {
			if l, err := a.AcquireLock(background, "k"); !errors.Is(err, dynalock.ErrHeld) {
				w.t.Errorf("%v, %v", l, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.machine("a"), w.machine("b")
				a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.ApplyCut())
				first := a.take("k", dynalock.WithLease(short))
				held := b.attach(first)
				keep(w, held, short+time.Second)
				if first.Held() {
					w.t.Fatal("the client still has a handle: the test shows nothing")
				}
				does(w, a)
				keep(w, held, looked)
				if r := w.row("k"); !held.Held() || r.Released || r.Owner != "a" {
					w.t.Errorf("%v, row %+v", held, r)
				}
			})
		})
	}
}

// Close did not wait for an acquire under way, so that nobody saw to what it
// had taken: the lock stayed taken by nobody for its whole lease.
func TestRegress_CloseLeftAnOrphan(t *testing.T) {
	for name, tt := range map[string]struct {
		front func(lockstore.Store) lockstore.Store
		fault faultstore.Fault
	}{
		"Close gave the request up":        {nil, faultstore.BlackHoleApplied()},
		"the answer came in spite of that": {ignoresContexts, faultstore.Hold(2 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := w.connect("a", faultstore.New(w.table), tt.front)
				a.net.On(faultstore.Match{If: faultstore.Acquires}, tt.fault)
				next := a.wait(background, "k")
				pass(time.Second)
				if r := w.row("k"); r == nil || r.Released {
					w.t.Fatalf("row %+v", r)
				}
				ctx, cancel := context.WithTimeout(background, time.Minute)
				defer cancel()
				if err := a.Close(ctx); err != nil {
					w.t.Error(err)
				}
				if !isClosed(next.got) || !errors.Is(next.err, dynalock.ErrClosed) {
					w.t.Errorf("%v, %v", next.lock, next.err)
				}
				if r := w.row("k"); !r.Released {
					w.t.Errorf("orphan %+v", r)
				}
			})
		})
	}
}

// ignoresContexts is for connect: a store that does not notice that a context
// has ended.
func ignoresContexts(s lockstore.Store) lockstore.Store { return deaf{s} }

// A look that found the tenure released was the last one, although a copy of
// the acquire could still arrive: it did so after another tenure, took the lock
// again, and nobody looked any more.
func TestRegress_LateCopyCameAfterTheLastLook(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		gate := faultstore.NewGate()
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, gate.Late())
		if err := a.take("k").Release(background); err != nil { // by a retry
			w.t.Fatal(err)
		}
		pass(1500 * time.Millisecond) // looks see it released
		if err := b.take("k").Release(background); err != nil {
			w.t.Fatal(err)
		}
		gate.Open()
		if r := w.row("k"); r.Released || r.Owner != "a" {
			w.t.Fatalf("the copy has not arrived: %+v", r)
		}
		pass(looked)
		if r := w.row("k"); !r.Released {
			w.t.Errorf("orphan %+v", r)
		}
	})
}

// A tenure had a handle, which only knew that its lease was over. A late copy of
// its acquire began it anew after others had held the lock and deleted the item;
// without a lease nothing would have ended it.
func TestRegress_CopyOfALapsedTenureStayed(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.ApplyCut())
		l := a.take("k", dynalock.WithoutLease())
		copied := w.row("k")
		must(w.t, l.Extend(background, time.Second))
		pass(2 * time.Second)
		other := b.take("k", dynalock.DeleteOnRelease())
		pass(5 * time.Second)
		must(w.t, other.Release(background))
		w.table.Put("k", copied)
		pass(2 * time.Minute)
		if r := w.row("k"); !r.Released {
			w.t.Errorf("%v; row %+v", l.Err(), r)
		}
	})
}

// A client gave its tenure a token above those that it had seen, while a late copy
// began that tenure anew with one that was higher still: the token went back.
func TestRegress_RaisedTokenWentBack(t *testing.T) {
	inWorld(t, func(w *world) {
		a, gate := w.machine("a"), faultstore.NewGate()
		a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.ApplyCut())
		next := a.wait(background, "k")
		pass(time.Millisecond)
		first := w.row("k")
		other := *first
		other.Nonce, other.Token = "another's", first.Token+5
		w.table.Put("k", &other)
		if _, err := a.GetLock(background, "k"); err != nil {
			w.t.Fatal(err)
		}
		w.table.Put("k", first) // as a copy that was sent again finds it
		a.net.On(faultstore.Match{Op: faultstore.OpWrite, Skip: 1, Times: 1}, gate.Before())
		<-gate.Arrived() // it raises its token
		revived := *first
		revived.Token += 100
		w.table.Put("k", &revived)
		gate.Open()
		pass(time.Minute)
		if r := w.row("k"); r.Token <= revived.Token || next.lock == nil || int64(next.lock.Token()) != r.Token {
			w.t.Errorf("%v, %v; row %+v", next.lock, next.err, r)
		}
	})
}
