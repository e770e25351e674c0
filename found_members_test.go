package dynalock_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What a review found of the locks in a session: looks, marks, moves.

// A lock that goes from hand to hand within a client is missed
// when its item is deleted, as any other one: within n/48 leases.
func TestFound_HandedOverIsLookedAt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		for i := range 40 {
			a.take(fmt.Sprint("other", i), dynalock.KeepAlive())
		}
		l := a.first("k")
		pass(time.Minute)
		if w.row("k").Session == "" {
			t.Fatal("not in a session")
		}
		l = a.passOn(t, l) // which reserves tokens
		w.table.Remove("k")
		thief := b.take("k", dynalock.KeepAlive())
		gone := time.Now()
		for l.Held() && time.Since(gone) < 5*time.Minute {
			pass(5 * time.Second)
			next := a.nextInLine("k")
			if l.Release(bg) != nil { // by then the store has told
				break
			}
			l = next.within(t, time.Second)
		}
		if took := time.Since(gone); took > 2*dynalock.DefaultLiveLease {
			t.Errorf("believed for %v after it was gone: %v and %v", took, l, thief)
		}
	})
}

// A mark must not cost locks that nobody touched, though reading
// all of them takes longer than a third of the lease.
func TestFound_ManyLocksAfterAMark(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, op := w.machine("a"), w.machine("op")
		var all []*dynalock.Lock
		for i := range 700 {
			all = append(all, a.take(fmt.Sprint("k", i), dynalock.KeepAlive()))
		}
		pass(time.Minute)
		a.net.On(faultstore.Match{Op: faultstore.OpGet}, faultstore.Hold(100*time.Millisecond))
		_, err := op.ForceRelease(bg, "k0", all[0].Token())
		must(t, err)
		pass(time.Minute)
		gone := 0
		for _, l := range all[1:] {
			if !l.Held() {
				gone++
			}
		}
		if gone > 0 {
			t.Errorf("%d of %d locks lost that nobody touched: %v", gone, len(all), all[len(all)-1].Err())
		}
	})
}

// TestFound_LastLook: the last look may fail for a moment.
func TestFound_LastLook(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, op := w.machine("a"), w.machine("op")
		var all []*dynalock.Lock
		for i := range 100 {
			all = append(all, a.take(fmt.Sprint("k", i), dynalock.KeepAlive()))
		}
		pass(time.Minute)
		session := w.row("k1").Session
		marked := w.row(session).Revoked
		_, err := op.ForceRelease(bg, "k0", all[0].Token())
		must(t, err)
		for w.row(session).Revoked == marked {
			pass(10 * time.Millisecond)
		}
		w.nextBeat(session)
		for shown := time.Now(); time.Since(shown) < 23900*time.Millisecond; {
			w.nextBeat(session)
		}
		pass(100 * time.Millisecond) // until all are read
		// The reads of the next look, which is the last, are throttled.
		rule := a.net.On(faultstore.Match{Op: faultstore.OpGet}, faultstore.Throttle())
		w.nextBeat(session)
		pass(8 * time.Second)
		rule.Off()
		pass(time.Minute)
		gone := 0
		for _, l := range all[1:] {
			if !l.Held() {
				gone++
			}
		}
		if gone > 0 {
			t.Errorf("%d of %d locks lost that nobody touched: %v", gone, len(all), all[len(all)-1].Err())
		}
	})
}

// A lock that moves to its session between the read and the write
// of whoever ends it from outside is announced too.
func TestFound_MovesBeforeItIsForced(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, op *machine, token uint64){
		"force": func(t *testing.T, op *machine, token uint64) {
			_, err := op.ForceRelease(bg, "k", token)
			must(t, err)
		},
		"release by key": func(t *testing.T, op *machine, _ uint64) {
			_, err := op.ReleaseLock(bg, "k")
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, op, b := w.machine("a"), w.machine("a"), w.machine("b")
				for i := range 200 {
					a.take(fmt.Sprint("other", i), dynalock.KeepAlive())
				}
				pass(time.Minute)
				l := a.take("k", dynalock.KeepAlive())
				pass(5 * time.Second)
				op.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, faultstore.Delay(3*time.Second))
				act(t, op, l.Token())
				if l.Held() == false {
					t.Fatal(l.Err())
				}
				b.take("k")
				if took := endsBy(t, l, 3*time.Minute); took > 8*time.Second {
					t.Errorf("believed for %v beside the next one", took)
				}
			})
		})
	}
}

// A hand-over during the last look after a mark does not take
// away what is not known of the tenure.
func TestFound_HandOverDuringTheLastLook(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, op, b := w.machine("a"), w.machine("a"), w.machine("b")
		for i := range 200 {
			a.take(fmt.Sprint("other", i), dynalock.KeepAlive())
		}
		l := a.first("k")
		pass(time.Minute)
		l = a.passOn(t, l)
		session := w.row("k").Session
		marked := w.row(session).Revoked
		token := uint64(w.row("k").Token)
		late := faultstore.NewGate()
		op.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, late.Late())
		go op.ForceRelease(bg, "k", token)
		pass(10 * time.Millisecond)
		op.net.On(faultstore.Match{}, faultstore.Refuse()) // no second mark
		if w.row(session).Revoked == marked {
			t.Fatal("no mark")
		}
		w.nextBeat(session)
		for shown := time.Now(); time.Since(shown) < 23900*time.Millisecond; {
			w.nextBeat(session)
		}
		pass(100 * time.Millisecond) // until all were read, the last time but one
		late.Open()
		next := a.nextInLine("k")
		a.net.On(faultstore.Match{Op: faultstore.OpGet, Key: "k"}, faultstore.Hold(2*time.Second))
		w.nextBeat(session)
		if !w.row("k").Released || !l.Held() {
			t.Fatal(w.row("k"), l)
		}
		if l.Release(bg) != nil {
			return // the release was written, and so it was found out
		}
		n := next.within(t, time.Second)
		b.take("k")
		if took := endsBy(t, n, 5*time.Minute); took > dynalock.DefaultLiveLease {
			t.Errorf("believed for %v beside the next one", took)
		}
	})
}

// elsewhere gives a lock that was entered into the session of 20 s, and then
// did not move there: its lease was changed meanwhile.
func elsewhere(t *testing.T, w *world, a *machine) (l, other *dynalock.Lock, session string) {
	l, other = a.take("k", dynalock.KeepAlive()), a.take("other", dynalock.KeepAlive())
	pass(5500 * time.Millisecond)
	a.net.On(faultstore.Match{Key: "k", If: faultstore.Renewals, Times: 1}, faultstore.Hold(1500*time.Millisecond))
	must(t, l.Extend(bg, 40*time.Second))
	pass(20 * time.Second)
	session = w.row("other").Session
	if session == "" || w.row("k").Session == session || w.row("k").Session == "" {
		t.Fatalf("%+v %+v", w.row("k"), w.row("other"))
	}
	return l, other, session
}

// A session that no lock is under ends.
func TestFound_SessionOfNoLocks(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		_, other, session := elsewhere(t, w, a)
		must(t, other.Release(bg))
		pass(time.Minute)
		if w.row(session) != nil {
			t.Error("it is still renewed, for no lock")
		}
	})
}

// Nor is a lock read without a pause when it has ended.
func TestFound_ReadsWithoutAPause(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, op := w.machine("a"), w.machine("op")
		_, other, session := elsewhere(t, w, a)
		_, err := op.ForceRelease(bg, "other", other.Token())
		must(t, err)
		a.net.On(faultstore.Match{Op: faultstore.OpGet, Key: "k"}, faultstore.Chain(faultstore.Delay(10*time.Millisecond), faultstore.Throttle()))
		seq := w.row(session).Seq
		for w.row(session).Seq == seq {
			pass(10 * time.Millisecond)
		}
		a.net.On(faultstore.Match{Key: session}, faultstore.Throttle())
		pass(19 * time.Second)
		a.net.Reset()
		pass(10 * time.Second)
		if n := a.net.Requests(); n.Gets > 100 {
			t.Errorf("%d reads in 10 s", n.Gets)
		}
	})
}

// nextBeat waits until that session has been renewed.
func (w *world) nextBeat(session string) {
	for seq := w.row(session).Seq; w.row(session).Seq == seq; {
		pass(time.Millisecond)
	}
}
