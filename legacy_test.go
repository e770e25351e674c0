package dynalock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// legacy puts a lock as an early version wrote it: no nonce, no token, no end.
func (w *world) legacy(key, owner string, edit ...func(*lockstore.Record)) {
	r := &lockstore.Record{Owner: owner, Since: time.Now().UTC().Truncate(time.Second), Data: []byte("early")}
	for _, f := range edit {
		f(r)
	}
	w.table.Put(key, r)
}

func released(r *lockstore.Record) { r.Released = true }
func deleting(r *lockstore.Record) { r.DeleteOnRelease = true }

// Held by an early version, it is held until it is released, however long ago
// it was taken, also for its owner's own acquire.
func TestLegacyHeld(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.legacy("k", "a")
		since := time.Now()
		for _, pause := range []time.Duration{0, time.Hour, 20 * 365 * 24 * time.Hour} {
			time.Sleep(pause)
			for _, m := range []*machine{w.machine("b"), w.machine("a")} {
				_, err := m.AcquireLock(bg, "k", dynalock.WaitFor(time.Minute))
				matchesOnly(t, "acquire", err, dynalock.ErrHeld)
				var held *dynalock.HeldError
				if !errors.As(err, &held) || held.Owner != "a" || held.Token != 0 || !held.Since.Equal(since) ||
					!held.RetryAt.IsZero() || !held.Expires.IsZero() || held.Lease != 0 {
					t.Errorf("%+v", held)
				}
			}
		}
		info, err := w.machine("b").GetLock(bg, "k")
		must(t, err)
		if info.State != dynalock.StateHeld || info.Token != 0 || string(info.Data) != "early" || !info.Expires.IsZero() {
			t.Errorf("%+v", info)
		}
	})
}

// Even one that carries a TTL, which some wrote, is not taken for a lease.
func TestLegacyTTLIsNoLease(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.legacy("k", "a", func(r *lockstore.Record) { r.TTL = time.Now().Add(time.Minute) })
		time.Sleep(time.Hour)
		_, err := w.machine("b").AcquireLock(bg, "k")
		matchesOnly(t, "acquire", err, dynalock.ErrHeld)
	})
}

// Released by an early version, anybody takes it, its data stays, and it is a
// lock like any other from then on.
func TestLegacyReleased(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.legacy("k", "a", released, deleting)
		l := w.machine("b").take("k")
		r := w.row("k")
		if string(l.Data()) != "early" || l.Token() == 0 || r.Nonce == "" || r.Owner != "b" || r.Released || r.DeleteOnRelease || r.Lease != dynalock.DefaultLease {
			t.Errorf("%+v", r)
		}
		must(t, l.Release(bg))
		if m := w.machine("c").take("k"); m.Token() <= l.Token() {
			t.Errorf("token %d after %d", m.Token(), l.Token())
		}
	})
}

// The owner's name is all that there is, and it is enough.
func TestLegacyOwnersCalls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		w.legacy("k", "a")
		must(t, a.UpdateLock(bg, "k", []byte("new")))
		if r := w.row("k"); string(r.Data) != "new" || r.Owner != "a" || r.Released || r.Nonce != "" {
			t.Errorf("%+v", r)
		}
		if ok, err := a.ReleaseLock(bg, "k"); !ok || err != nil {
			t.Error(ok, err)
		}
		if r := w.row("k"); !r.Released || string(r.Data) != "new" {
			t.Errorf("%+v", r)
		}
		w.legacy("deleting", "a", deleting)
		if ok, err := a.ReleaseLock(bg, "deleting"); !ok || err != nil || w.row("deleting") != nil {
			t.Errorf("%v %v %+v", ok, err, w.row("deleting"))
		}
		w.legacy("resumed", "a", deleting)
		l, err := a.ResumeLock(bg, "resumed")
		must(t, err)
		r := w.row("resumed")
		if string(l.Data()) != "early" || l.Token() == 0 || r.Nonce == "" || r.Lease != 0 || !r.DeleteOnRelease {
			t.Errorf("%+v", r)
		}
		must(t, l.Release(bg))
		if w.row("resumed") != nil {
			t.Error("it was to be deleted")
		}
		w.legacy("live", "a")
		l, err = a.ResumeLock(bg, "live", dynalock.KeepAlive(), dynalock.WithLease(2*time.Second))
		must(t, err)
		time.Sleep(time.Minute)
		if !l.Held() {
			t.Error(l.Err())
		}
	})
}

func TestLegacyAnswersLost(t *testing.T) {
	for name, call := range map[string]func(m *machine) error{
		"release": func(m *machine) error { _, err := m.ReleaseLock(bg, "k"); return err },
		"update":  func(m *machine) error { return m.UpdateLock(bg, "k", []byte("new")) },
		"resume":  func(m *machine) error { _, err := m.ResumeLock(bg, "k"); return err },
		"force":   func(m *machine) error { _, err := m.ForceRelease(bg, "k", 0); return err },
	} {
		for _, edits := range [][]func(*lockstore.Record){nil, {deleting}} {
			bubble(t, func(t *testing.T, w *world) {
				w.legacy("k", "a", edits...)
				a := w.machine("a")
				a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.ApplyCut())
				if err := call(a); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
}

// Another owner's is not touched.
func TestLegacyOfAnotherOwner(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.legacy("k", "a")
		b := w.machine("b")
		_, err := b.ReleaseLock(bg, "k")
		matchesOnly(t, "release", err, dynalock.ErrOwnerMismatch)
		matchesOnly(t, "update", b.UpdateLock(bg, "k", nil), dynalock.ErrOwnerMismatch)
		_, err = b.ResumeLock(bg, "k")
		matchesOnly(t, "resume", err, dynalock.ErrOwnerMismatch)
		if r := w.row("k"); r.Released || r.Owner != "a" || string(r.Data) != "early" {
			t.Errorf("%+v", r)
		}
	})
}

// Between the read and the write an early version may act too: what was read
// is what the call is about.
func TestLegacyChangesHands(t *testing.T) {
	for name, call := range map[string]func(m *machine) error{
		"release": func(m *machine) error { ok, err := m.ReleaseLock(bg, "k"); return oneOf(!ok, err) },
		"update":  func(m *machine) error { return m.UpdateLock(bg, "k", []byte("new")) },
		"resume":  func(m *machine) error { _, err := m.ResumeLock(bg, "k"); return err },
	} {
		bubble(t, func(t *testing.T, w *world) {
			w.legacy("k", "a")
			a := w.machine("a")
			gate := faultstore.NewGate()
			a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, gate.Before())
			result := make(chan error)
			go func() { result <- call(a) }()
			<-gate.Arrived()
			w.legacy("k", "other")
			gate.Open()
			if err := <-result; name == "release" && err != nil || name != "release" && !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("%s: %v", name, err)
			}
			if r := w.row("k"); r.Owner != "other" || r.Released || string(r.Data) != "early" {
				t.Errorf("%s: %+v", name, r)
			}
		})
	}
}

// Token 0 names an item that has none, and nothing else does.
func TestLegacyForce(t *testing.T) {
	for _, edits := range [][]func(*lockstore.Record){nil, {deleting}} {
		bubble(t, func(t *testing.T, w *world) {
			w.legacy("k", "a", edits...)
			op := w.machine("operator")
			_, err := op.ForceRelease(bg, "k", 1)
			matchesOnly(t, "token 1", err, dynalock.ErrHeld)
			was, err := op.ForceRelease(bg, "k", 0)
			must(t, err)
			if was.Owner != "a" || was.Token != 0 || string(was.Data) != "early" {
				t.Errorf("%+v", was)
			}
			l := w.machine("b").take("k")
			_, err = op.ForceRelease(bg, "k", 0)
			matchesOnly(t, "token 0 of a new one", err, dynalock.ErrHeld)
			if !l.Held() || w.row("k").Released {
				t.Errorf("%+v", w.row("k"))
			}
		})
	}
}
