package dynalock_test

import (
	"errors"
	"testing"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// ForceRelease on whatever is there costs one read and one write, keeps the
// item with its data, and gives what it ended.
func TestForceRelease(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k", dynalock.WithData([]byte("data")))
		op := w.machine("operator")
		seen, err := op.GetLock(bg, "k")
		must(t, err)
		op.net.Reset()
		was, err := op.ForceRelease(bg, "k", seen.Token)
		must(t, err)
		if n := op.net.Requests(); n.Strong != 1 || n.Writes != 1 || n.Total() != 2 {
			t.Errorf("%+v", n)
		}
		if was.Key != "k" || was.Owner != "a" || was.Token != l.Token() || string(was.Data) != "data" || was.State != dynalock.StateHeld {
			t.Errorf("%+v, data %q", was, was.Data)
		}
		r := w.row("k")
		if !r.Released || string(r.Data) != "data" || r.Session != "" || !r.TTL.IsZero() || len(r.Queue) != 0 {
			t.Errorf("%+v", r)
		}
		_, err = op.ForceRelease(bg, "k", seen.Token)
		matchesOnly(t, "again", err, dynalock.ErrNotHeld)
	})
}

// The client's own handle learns of it at once.
func TestForceReleaseOfOnesOwn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		_, err := a.ForceRelease(bg, "k", l.Token())
		must(t, err)
		if !ended(l.Done()) || lost(t, l).Reason != dynalock.ReasonForced {
			t.Error(l.Err())
		}
	})
}

// What Force says happened did happen, also if the first answer was lost.
func TestForceReleaseAnswerLost(t *testing.T) {
	for name, opts := range map[string]options{"keep": nil, "delete": {dynalock.DeleteOnRelease()}} {
		bubble(t, func(t *testing.T, w *world) {
			l := w.machine("a").take("k", opts...)
			op := w.machine("operator")
			op.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.ApplyCut())
			was, err := op.ForceRelease(bg, "k", l.Token())
			if err != nil || was.Token != l.Token() {
				t.Errorf("%s: %v %v", name, was, err)
			}
		})
	}
}

// An item that was to go at its release stays, so that its holder learns who
// ended it; the table's item expiry removes it later.
func TestForceReleaseKeepsTheItem(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a").take("k", dynalock.DeleteOnRelease())
		_, err := w.machine("operator").ForceRelease(bg, "k", l.Token())
		must(t, err)
		if r := w.row("k"); r == nil || !r.Released || r.TTL.IsZero() {
			t.Errorf("%+v", r)
		}
		var why *dynalock.LostError
		if err := l.Renew(bg); !errors.As(err, &why) || why.Reason != dynalock.ReasonForced || why.By != "operator" {
			t.Error(err)
		}
	})
}

// A tenure that was renewed meanwhile is the same one; one that was taken
// since is another.
func TestForceReleaseRaces(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(w *world, a *machine, l *dynalock.Lock) error
		want      error
	}{
		"renewed":  {func(_ *world, _ *machine, l *dynalock.Lock) error { return l.Renew(bg) }, nil},
		"released": {func(_ *world, _ *machine, l *dynalock.Lock) error { return l.Release(bg) }, dynalock.ErrNotHeld},
		"removed":  {func(w *world, _ *machine, _ *dynalock.Lock) error { w.table.Remove("k"); return nil }, dynalock.ErrNotHeld},
		"taken": {func(_ *world, a *machine, l *dynalock.Lock) error {
			_ = l.Release(bg)
			_, err := a.AcquireLock(bg, "k")
			return err
		}, dynalock.ErrHeld},
	} {
		bubble(t, func(t *testing.T, w *world) {
			a, op := w.machine("a"), w.machine("operator")
			l := a.take("k")
			gate := faultstore.NewGate()
			op.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, gate.Before())
			result := make(chan error)
			go func() {
				_, err := op.ForceRelease(bg, "k", l.Token())
				result <- err
			}()
			<-gate.Arrived()
			must(t, c.meanwhile(w, a, l))
			gate.Open()
			if err := <-result; c.want == nil && err != nil {
				t.Errorf("%s: %v", name, err)
			} else if c.want != nil {
				matchesOnly(t, name, err, c.want)
			}
		})
	}
}
