package dynalock_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// TestD1_TTLMovesAhead: whole seconds, behind the lease's end by the retention,
// and moved by each renewal, so that it never reaches a lock that lives. Of one
// that a session keeps alive, only the session's record has one.
func TestD1_TTLMovesAhead(t *testing.T) {
	const retention = time.Hour
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a", dynalock.WithRetention(retention))
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(30*time.Second))
		var last time.Time
		for range 6 {
			r := w.keptAlive("k")
			if r.TTL.Nanosecond() != 0 || r.TTL.Year() != time.Now().Add(retention).Year() {
				t.Error("not epoch seconds:", r.TTL)
			}
			if behind := r.TTL.Sub(r.Expires); behind < retention || behind > retention+2*time.Second {
				t.Errorf("%v behind the lease's end", behind)
			}
			if !r.TTL.After(last) {
				t.Errorf("%v did not move on from %v", r.TTL, last)
			}
			last = r.TTL
			time.Sleep(20 * time.Second)
		}
		// A broom that comes every minute for two retentions sweeps nothing.
		for range 2 * 60 {
			time.Sleep(time.Minute)
			if swept := w.table.Sweep(time.Now()); len(swept) > 0 {
				t.Fatal("swept", swept)
			}
		}
		if !l.Held() {
			t.Error(l.Err())
		}
	})
}

// Another lease moves the TTL too, in both directions, and no lease has none.
func TestD1_TTLFollowsTheLease(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.WithLease(time.Minute))
		for _, lease := range []time.Duration{time.Hour, time.Second, dynalock.MaxLease} {
			must(t, l.Extend(bg, lease))
			if in := time.Until(w.row("k").TTL); in < lease+dynalock.DefaultRetention || in > lease+dynalock.DefaultRetention+time.Minute {
				t.Errorf("Extend(%v): TTL in %v", lease, in)
			}
		}
		_, err := a.ResumeLock(bg, "k", dynalock.WithoutLease())
		must(t, err)
		if r := w.row("k"); !r.TTL.IsZero() {
			t.Error("a lock without an end has the TTL", r.TTL)
		}
	})
}

// A released item has none: its data stays for as long as the user likes.
func TestD1_NoTTLOnWhatIsReleased(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		must(t, w.machine("a").take("k", dynalock.WithData([]byte("kept"))).Release(bg))
		if r := w.row("k"); !r.TTL.IsZero() {
			t.Error(r.TTL)
		}
		w.table.Sweep(time.Now().Add(100 * 365 * 24 * time.Hour))
		if l := w.machine("b").take("k"); string(l.Data()) != "kept" {
			t.Errorf("%q", l.Data())
		}
	})
}

// WithRetention(0): no step leaves a TTL.
func TestD1_TTLOff(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a", dynalock.WithRetention(0)), w.machine("a", dynalock.WithRetention(0))
		none := func(step string) {
			t.Helper()
			if r := w.row("k"); r != nil && !r.TTL.IsZero() {
				t.Errorf("%s: %v", step, r.TTL)
			}
		}
		l := a.take("k", dynalock.WithLease(time.Minute), dynalock.HoldAtLeast(time.Minute), dynalock.DeleteOnRelease())
		none("acquire")
		must(t, l.Extend(bg, time.Hour))
		none("extend")
		m, err := b.ResumeLock(bg, "k")
		must(t, err)
		none("resume")
		n, err := a.AttachLock(bg, m.Handle())
		must(t, err)
		none("attach")
		must(t, n.Release(bg))
		none("release before HoldAtLeast's end")
		f := a.take("k", dynalock.Wait(), dynalock.DeleteOnRelease())
		none("takeover")
		_, err = b.ForceRelease(bg, "k", f.Token())
		must(t, err)
		none("force")
	})
}

// An overdue TTL means nothing to a lock: released, it is taken by one
// request; lapsed, by two.
func TestD1_OverdueIsFree(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a", dynalock.WithRetention(time.Second))
		a.take("lapsed", dynalock.WithLease(time.Second))
		must(t, a.take("released").Release(bg))
		r := w.row("released")
		r.TTL = time.Now().UTC().Truncate(time.Second)
		w.table.Put("released", r)
		time.Sleep(time.Hour)
		for key, most := range map[string]int{"released": 1, "lapsed": 2} {
			b := w.machine("b")
			b.take(key)
			if n := b.net.Requests(); n.Total() > most {
				t.Errorf("%s: %+v", key, n)
			}
			if in := time.Until(w.row(key).TTL); in < dynalock.DefaultLease {
				t.Errorf("%s: the new holder's TTL is in %v", key, in)
			}
		}
	})
}

// What the broom takes from a lapsed lock, its holder learns as such, and the
// tokens go on rising.
func TestD1_SweptIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		// Something that goes by another clock removes it while it lives.
		if swept := w.table.Sweep(time.Now().Add(48 * time.Hour)); len(swept) != 1 {
			t.Fatal(swept)
		}
		endsBy(t, l, 3*time.Second)
		if why := lost(t, l); why.Reason != dynalock.ReasonGone {
			t.Errorf("%+v", why)
		}
		if w.row("k") != nil {
			t.Error("made again by a holder that had lost it")
		}
		for _, m := range []*machine{a, w.machine("b")} {
			next := m.take("k", dynalock.WithLease(time.Second))
			if next.Token() <= l.Token() {
				t.Errorf("token %d after %d", next.Token(), l.Token())
			}
			l = next
			time.Sleep(time.Second)
			w.table.Sweep(time.Now().Add(48 * time.Hour))
		}
	})
}

// What is swept at its time is a lock that nobody has held for a retention.
func TestD1_SweptAtItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a", dynalock.WithRetention(time.Hour))
		start := time.Now()
		a.take("lapsed", dynalock.WithLease(time.Minute))
		must(t, a.take("hold", dynalock.HoldAtLeast(time.Minute), dynalock.DeleteOnRelease()).Release(bg))
		l := a.take("forced", dynalock.DeleteOnRelease())
		_, err := a.ForceRelease(bg, "forced", l.Token())
		must(t, err)
		for _, when := range []struct {
			d    time.Duration
			keys int
		}{{time.Hour, 3}, {time.Hour + 10*time.Second, 2}, {time.Hour + time.Minute, 2}, {time.Hour + 2*time.Minute, 0}} {
			w.table.Sweep(start.Add(when.d))
			if keys := w.table.Keys(); len(keys) != when.keys {
				t.Errorf("after %v: %v", when.d, keys)
			}
		}
	})
}
