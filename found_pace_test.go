package dynalock_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Who came shortly before a hand-over, and knows nothing else of how long the
// lock is held, took the time since it came for what a holder takes, and so
// expected its turn ever after so shortly: it read without a pause for as long as
// the next holder held.
func TestFound_PaceAfterOneHandOver(t *testing.T) {
	for _, trip := range []time.Duration{0, 5 * time.Millisecond} {
		t.Run(fmt.Sprint(trip), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				first := w.machine("first").take("k")
				second, third := w.machine("second"), w.machine("third")
				for _, m := range []*machine{second, third} {
					m.net.On(faultstore.Match{}, faultstore.Hold(trip))
					go func() {
						l, err := m.AcquireLock(bg, "k", dynalock.Wait())
						if err != nil {
							t.Error(err)
							return
						}
						pass(10 * time.Minute)
						must(t, l.Release(bg))
					}()
					pass(20 * time.Millisecond)
				}
				must(t, first.Release(bg))
				pass(9 * time.Minute)
				if n := third.net.Requests().Gets; n > 800 {
					t.Errorf("%d reads in nine minutes", n)
				}
				pass(15 * time.Minute)
			})
		})
	}
}
