package dynalock_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// 200 live locks cost one move each and then one renewal for all.
func TestSessionKeepsManyLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.machine("a")
		var locks []*dynalock.Lock
		for i := range 200 {
			locks = append(locks, m.take(fmt.Sprint("k", i), dynalock.KeepAlive()))
		}
		before := m.net.Requests()
		time.Sleep(30 * time.Second)
		after := m.net.Requests()
		moves := after.Writes - before.Writes
		time.Sleep(5 * time.Minute)
		last := m.net.Requests()
		if moves > 206 || last.Writes-after.Writes > 60 || last.Gets > 60*16 {
			t.Errorf("%+v %+v %+v", before, after, last)
		}
		for _, l := range locks {
			if !l.Held() {
				t.Fatal(l.Err())
			}
		}
		b := w.machine("b")
		if _, err := b.AcquireLock(context.Background(), "k7"); err == nil {
			t.Fatal("taken from a live session")
		}
		info, err := b.GetLock(context.Background(), "k7")
		if err != nil || info.State != dynalock.StateHeld {
			t.Fatal(info, err)
		}
		for _, l := range locks {
			if err := l.Release(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		for _, key := range w.table.Keys() {
			if isSession(key) {
				t.Error("an idle session stays:", key)
			}
		}
		if err := m.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// A client that is cut off loses all its locks at once, before others get them.
func TestSessionLossEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.machine("a"), w.machine("b")
		var locks []*dynalock.Lock
		for i := range 5 {
			locks = append(locks, a.take(fmt.Sprint("k", i), dynalock.KeepAlive()))
		}
		time.Sleep(time.Minute)
		a.net.Down(faultstore.BlackHole())
		cut := time.Now()
		got := make(chan time.Time, 5)
		for i := range 5 {
			go func() {
				b.take(fmt.Sprint("k", i), dynalock.KeepAlive(), dynalock.Wait())
				if locks[i].Held() {
					t.Error("both hold")
				}
				got <- time.Now()
			}()
		}
		for i := range 5 {
			<-locks[i].Done()
		}
		for range 5 {
			if at := <-got; at.Sub(cut) > 22*time.Second {
				t.Error(at.Sub(cut))
			}
		}
	})
}

// What ends a session's lock from outside is noticed within a third of the
// lease.
func TestSessionNoticesForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, op := w.machine("a"), w.machine("op")
		l := a.take("k", dynalock.KeepAlive())
		other := a.take("other", dynalock.KeepAlive())
		time.Sleep(time.Minute)
		info, err := op.GetLock(context.Background(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := op.ForceRelease(context.Background(), "k", info.Token); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		<-l.Done()
		if took := time.Since(began); took > 7*time.Second {
			t.Error(took)
		}
		if lost(t, l).Reason != dynalock.ReasonForced || !other.Held() {
			t.Error(other.Err())
		}
	})
}

// An attached handle has a lease of its own, and the first one goes back to
// one too.
func TestSessionAndAttach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b, c := w.machine("a"), w.machine("b"), w.machine("c")
		l := a.take("k", dynalock.KeepAlive())
		time.Sleep(time.Minute)
		h := l.Handle()
		m, err := b.AttachLock(context.Background(), h)
		if err != nil {
			t.Fatal(err)
		}
		if r := w.row("k"); r.Session != "" || r.Lease < 20*time.Second || r.Lease > 21*time.Second {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Minute)
		if !l.Held() {
			t.Error(l.Err())
		}
		if err := m.Release(context.Background()); err == nil {
			t.Error("b's handle was not renewed, so it is lost", m)
		}
		if err := l.Release(context.Background()); err != nil {
			t.Error(err)
		}
		c.take("k")
	})
}
