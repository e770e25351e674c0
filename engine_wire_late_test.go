package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// A request that arrives after a newer one of its tenure changes nothing: no
// old data comes back, no end moves back, nothing is written on a lock that was
// released.
func TestEngineLateWrites(t *testing.T) {
	t.Parallel()
	old := func(ctx context.Context, what string, l *dynalock.Lock) error {
		if what == wiretest.Update {
			return l.Update(ctx, []byte("old"))
		}
		return l.Renew(ctx)
	}
	tests := map[string]func(*testing.T){}
	for _, what := range []string{wiretest.Update, wiretest.Renew} {
		for name, newer := range map[string]func(*dynalock.Lock) error{
			"update":  func(l *dynalock.Lock) error { return l.Update(ever, []byte("new")) },
			"renewal": func(l *dynalock.Lock) error { return l.Extend(ever, time.Hour) },
			"release": func(l *dynalock.Lock) error { return l.Release(ever) },
		} {
			eachSDK(tests, what+" after a newer "+name, func(t *testing.T, sdk int) {
				e := newEngineTable(t)
				a := e.warm("a", sdk)
				l := a.take(t, "k")
				gate := wiretest.NewGate()
				a.wire.On(1, wiretest.Late(gate), what)
				ctx, cancel := context.WithTimeout(ever, 50*time.Millisecond)
				defer cancel()
				if err := old(ctx, what, l); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				if err := newer(l); err != nil {
					t.Fatal(err)
				}
				was := e.item("k")
				gate.Open()
				closes(t, gate.Delivered(), slack, "the late request is answered")
				if gate.Status() != 400 {
					t.Errorf("the engine answers it with %d", gate.Status())
				}
				e.unchanged("k", was)
			})
		}
	}
	together(t, tests)
}
