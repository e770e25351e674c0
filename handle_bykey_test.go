package dynalock_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// By key, another process of the owner's name ends a tenure; its handle learns
// of it at its next request.
func TestReleaseLockElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, same, other := w.machine("a"), w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithData([]byte("kept")))
		same.net.Reset()
		if ok, err := same.ReleaseLock(bg, "k"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if n := same.net.Requests(); n.Strong != 1 || n.Writes != 1 || n.Total() != 2 {
			t.Errorf("%+v", n)
		}
		if m := other.take("k"); string(m.Data()) != "kept" {
			t.Errorf("%q", m.Data())
		}
		if !l.Held() {
			t.Error("how did it learn that?")
		}
		matchesOnly(t, "its next request", l.Renew(bg), dynalock.ErrLost, dynalock.ErrNotHeld)
	})
}

// With the handle at hand it is one write; what is free costs one read.
func TestReleaseLockCosts(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		a.net.Reset()
		if ok, err := a.ReleaseLock(bg, "k"); !ok || err != nil || l.Err() != dynalock.ErrReleased {
			t.Error(ok, err, l.Err())
		}
		if n := a.net.Requests(); n.Writes != 1 || n.Total() != 1 {
			t.Errorf("%+v", n)
		}
		for _, key := range []string{"k", "never"} {
			a.net.Reset()
			if ok, err := a.ReleaseLock(bg, key); !ok || err != nil {
				t.Error(ok, err)
			}
			if n := a.net.Requests(); n.Strong != 1 || n.Total() != 1 {
				t.Errorf("%s: %+v", key, n)
			}
		}
	})
}

// True means that this owner's tenure is over, also if it had ended before and
// the same owner has taken the lock again.
func TestReleaseLockAfterLoss(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, same := w.machine("a"), w.machine("a")
		a.take("k", dynalock.WithLease(time.Second))
		time.Sleep(2 * time.Second)
		same.take("k")
		if ok, err := a.ReleaseLock(bg, "k"); !ok || err != nil || !w.row("k").Released {
			t.Errorf("%v %v %+v", ok, err, w.row("k"))
		}
		// Lapsed and still there, also one that another process took.
		same.take("k", dynalock.WithLease(time.Second))
		time.Sleep(2 * time.Second)
		if ok, err := a.ReleaseLock(bg, "k"); !ok || err != nil || !w.row("k").Released {
			t.Errorf("%v %v %+v", ok, err, w.row("k"))
		}
	})
}

func TestReleaseLockDeletes(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a").take("k", dynalock.DeleteOnRelease(), dynalock.WithData([]byte("x")))
		if ok, err := w.machine("a").ReleaseLock(bg, "k"); !ok || err != nil || w.row("k") != nil {
			t.Errorf("%v %v %+v", ok, err, w.row("k"))
		}
	})
}

// It never goes on to another tenure than the one that it read.
func TestReleaseLockLeavesTheNextTenureAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, same := w.machine("a"), w.machine("a")
		l := a.take("k")
		gate := faultstore.NewGate()
		same.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, gate.Before())
		answer := make(chan bool)
		go func() {
			ok, err := same.ReleaseLock(bg, "k")
			answer <- ok && err == nil
		}()
		<-gate.Arrived()
		must(t, l.Release(bg))
		next := a.take("k")
		gate.Open()
		if !<-answer {
			t.Error("the tenure that was read has ended, and the answer is not true")
		}
		must(t, next.Renew(bg))
	})
}

// An attached handle does not make its client the owner: calls by key go by
// the owner's name alone.
func TestByKeyWithAnAttachedHandle(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		l := a.take("k", dynalock.WithData([]byte("a's")))
		_, err := b.AttachLock(bg, l.Handle())
		must(t, err)
		matchesOnly(t, "UpdateLock", b.UpdateLock(bg, "k", []byte("b's")), dynalock.ErrOwnerMismatch)
		ok, err := b.ReleaseLock(bg, "k")
		matchesOnly(t, "ReleaseLock", err, dynalock.ErrOwnerMismatch)
		if r := w.row("k"); ok || r.Released || string(r.Data) != "a's" {
			t.Errorf("%v, %+v", ok, r)
		}
	})
}

// UpdateLock changes the data and nothing else, for whichever process.
func TestUpdateLock(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, same := w.machine("a"), w.machine("a")
		l := a.take("k", dynalock.WithLease(time.Minute))
		before := w.row("k")
		time.Sleep(time.Second)
		must(t, a.UpdateLock(bg, "k", []byte("by handle")))
		if string(l.Data()) != "by handle" {
			t.Errorf("the handle has %q", l.Data())
		}
		same.net.Reset()
		must(t, same.UpdateLock(bg, "k", []byte("by key")))
		if n := same.net.Requests(); n.Strong != 1 || n.Writes != 1 || n.Total() != 2 {
			t.Errorf("%+v", n)
		}
		r := w.row("k")
		if string(r.Data) != "by key" || r.Nonce != before.Nonce || r.Token != before.Token || !r.Expires.Equal(before.Expires) || r.Released {
			t.Errorf("%+v", r)
		}
		// The holder goes on, and sees what was written.
		must(t, l.Renew(bg))
		if string(l.Data()) != "by key" {
			t.Errorf("the handle has %q", l.Data())
		}
		must(t, same.UpdateLock(bg, "k", nil))
		if w.row("k").Data != nil {
			t.Error("nil did not remove the data")
		}
		must(t, same.UpdateLock(bg, "k", []byte{}))
		if d := w.row("k").Data; d == nil || len(d) != 0 {
			t.Errorf("no bytes became %v", d)
		}
	})
}

func TestUpdateLockAnswerLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a").take("k")
		same := w.machine("a")
		for _, fault := range []faultstore.Fault{faultstore.ApplyCut(), faultstore.Refuse500(), faultstore.Throttle()} {
			same.net.On(faultstore.Match{If: setsData, Times: 1}, fault)
			must(t, same.UpdateLock(bg, "k", []byte(fault.String())))
			if got := string(w.row("k").Data); got != fault.String() {
				t.Errorf("%v: %q", fault, got)
			}
		}
	})
}

// ResumeLock goes on with one's own lock: a new tenure, a higher token, and
// what the lock had stays unless options say otherwise.
func TestResumeLock(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a", dynalock.WithDefaults(dynalock.WithLease(3*time.Hour)))
		same := w.machine("a", dynalock.WithDefaults(dynalock.WithLease(5*time.Hour), dynalock.Wait()))
		l := a.take("k", dynalock.WithData([]byte("kept")), dynalock.DeleteOnRelease())
		same.net.Reset()
		m, err := same.ResumeLock(bg, "k")
		must(t, err)
		if n := same.net.Requests(); n.Strong != 1 || n.Writes != 1 || n.Total() != 2 {
			t.Errorf("%+v", n)
		}
		r := w.row("k")
		if m.Token() <= l.Token() || string(m.Data()) != "kept" || r.Lease != 3*time.Hour || !r.DeleteOnRelease || uint64(r.Token) != m.Token() {
			t.Errorf("%v, %+v", m, r)
		}
		matchesOnly(t, "the former handle", l.Update(bg, []byte("late")), dynalock.ErrLost, dynalock.ErrNotHeld)
		if got := lost(t, l); got.Reason != dynalock.ReasonSuperseded || got.By != "a" {
			t.Errorf("%+v", got)
		}
		// By the same client too: its own former handle ends at once.
		n, err := same.ResumeLock(bg, "k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second), dynalock.WithData([]byte("new")))
		must(t, err)
		if !ended(m.Done()) || lost(t, m).Reason != dynalock.ReasonSuperseded {
			t.Error(m.Err())
		}
		time.Sleep(time.Minute)
		if !n.Held() || string(n.Data()) != "new" {
			t.Errorf("%v, %q", n, n.Data())
		}
		must(t, n.Release(bg))
		if w.row("k") != nil {
			t.Error("DeleteOnRelease did not stay")
		}
	})
}

// It also works once the lease ran out, as long as nobody took the lock.
func TestResumeLockLapsed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.take("k", dynalock.KeepAlive(), dynalock.WithLease(2*time.Second))
		a.crash()
		time.Sleep(time.Hour)
		l, err := w.machine("a").ResumeLock(bg, "k")
		must(t, err)
		if left := time.Until(l.Deadline()); left > 2*time.Second || left < 1900*time.Millisecond {
			t.Errorf("a lease of %v", left)
		}
		_, err = b.AcquireLock(bg, "k")
		matchesOnly(t, "held again", err, dynalock.ErrHeld)
		time.Sleep(3 * time.Second)
		b.take("k")
		_, err = w.machine("a").ResumeLock(bg, "k")
		matchesOnly(t, "taken", err, dynalock.ErrOwnerMismatch)
	})
}

func TestResumeLockOptions(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		a.take("k")
		for name, opts := range contradictions() {
			_, err := a.ResumeLock(bg, "k", opts...)
			if name == "at least over the default" {
				continue // the default does not count here
			}
			matchesOnly(t, name, err, dynalock.ErrInvalidOption)
		}
		for name, opt := range map[string]dynalock.AcquireOption{"Wait": dynalock.Wait(), "WaitFor": dynalock.WaitFor(0)} {
			_, err := a.ResumeLock(bg, "k", opt)
			matchesOnly(t, name, err, dynalock.ErrInvalidOption)
		}
		if l := w.row("k"); l.Seq != 1 {
			t.Errorf("%+v", l)
		}
	})
}

// A resume whose answer was lost is recognised; the token is the row's.
func TestResumeLockAnswerLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a").take("k")
		same := w.machine("a")
		same.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.ApplyCut())
		l, err := same.ResumeLock(bg, "k")
		must(t, err)
		must(t, l.Renew(bg))
		if uint64(w.row("k").Token) != l.Token() {
			t.Errorf("%d, %d", w.row("k").Token, l.Token())
		}
	})
}
