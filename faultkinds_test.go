package dynalock_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Faults are aimed at steps of the protocol: those steps must be recognised as
// the client really writes them, or such a fault never strikes and its test
// passes for nothing.
func TestFaultKindsRecogniseTheClientsWrites(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.machine("m")
		kinds := []struct {
			name string
			rule *faultstore.Rule
		}{
			{"Acquires", m.net.On(faultstore.Match{If: faultstore.Acquires}, faultstore.Hold(0))},
			{"Renewals", m.net.On(faultstore.Match{If: faultstore.Renewals}, faultstore.Hold(0))},
			{"Updates", m.net.On(faultstore.Match{If: faultstore.Updates}, faultstore.Hold(0))},
			{"Releases", m.net.On(faultstore.Match{If: faultstore.Releases}, faultstore.Hold(0))},
		}
		var l *dynalock.Lock
		for _, c := range []struct {
			step string
			do   func() error
			want string
		}{
			{"acquire", func() error { l = m.take("k", dynalock.WithData(secretData)); return nil }, "Acquires"},
			{"renew", func() error { return l.Renew(bg) }, "Renewals"},
			{"update", func() error { return l.Update(bg, secretData) }, "Updates"},
			{"release", func() error { return l.Release(bg) }, "Releases"},
			{"acquire again", func() error {
				l = m.take("k", dynalock.HoldAtLeast(time.Second), dynalock.DeleteOnRelease())
				return nil
			}, "Acquires"},
			{"release before HoldAtLeast's end", func() error { return l.Release(bg) }, "Releases"},
			{"take over", func() error { l = m.take("k", dynalock.Wait(), dynalock.DeleteOnRelease()); return nil }, "Acquires"},
			{"delete", func() error { return l.Release(bg) }, "Releases"},
		} {
			before := map[string]int{}
			for _, k := range kinds {
				before[k.name] = k.rule.Fired()
			}
			must(t, c.do())
			for _, k := range kinds {
				if fired := k.rule.Fired() > before[k.name]; fired != (k.name == c.want) {
					t.Errorf("%s: recognised by %s: %v", c.step, k.name, fired)
				}
			}
		}
	})
}
