package dynalock_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Group B is about liveness. The store tells its time like DynamoDB: in whole
// seconds, by servers that differ by up to half a second.
const margin = 500 * time.Millisecond

func dates() memstore.Option { return memstore.WithDateResolution(time.Second) }

// process is a new process: nothing is known to it.
func (w *world) process(owner string, opts ...dynalock.ClientOption) *machine {
	return w.machine(owner, append([]dynalock.ClientOption{dynalock.WithClockMargin(margin)}, opts...)...)
}

// dies gives a live lock to a process that renews it once and is killed then,
// and says when the last renewal was sent.
func (w *world) dies(key string) (renewed time.Time) {
	w.t.Helper()
	dead := w.process("dead")
	dead.take(key, live()...)
	pass(1500 * time.Millisecond)
	log := dead.net.Log()
	if r := w.row(key); r.Seq != 2 {
		w.t.Fatalf("not renewed once: %+v", r)
	}
	dead.crash()
	return log[len(log)-1].Start
}

// One client that tries now and then counts what it saw in the tries before.
func TestB1_TriesOfOneClient(t *testing.T) {
	inWorld(t, func(w *world) {
		renewed := w.dies("k")
		m := w.process("m", dynalock.ObserveOnly())
		first := time.Now()
		for {
			_, err := m.AcquireLock(background, "k")
			if err == nil {
				break
			}
			if !errors.Is(err, dynalock.ErrHeld) || time.Since(first) > 3*lease {
				w.t.Fatal(err)
			}
			pass(300 * time.Millisecond)
		}
		if took := time.Since(first); took < lease || took > lease+600*time.Millisecond || time.Since(renewed) < lease {
			w.t.Errorf("taken %v after the first try", took)
		}
	}, dates())
}

// Processes that live for one try go by the store's clock.
func TestB1_NewProcessEachTime(t *testing.T) {
	for phase := range 10 {
		inWorld(t, func(w *world) {
			pass(time.Duration(phase) * 100 * time.Millisecond)
			renewed := w.dies("k")
			for i := 0; ; i++ {
				m := w.process(fmt.Sprint("m", i))
				_, err := m.AcquireLock(background, "k")
				m.crash()
				if err == nil {
					break
				}
				if !errors.Is(err, dynalock.ErrHeld) || time.Since(renewed) > 5*lease {
					w.t.Fatal(err)
				}
				pass(500 * time.Millisecond)
			}
			// The holder wrote its end by the latest that the time can be, the
			// others go by the earliest: a second and two margins each.
			bound := 2 * (time.Second + 2*margin)
			if took := time.Since(renewed); took < lease || took > lease+bound+500*time.Millisecond {
				w.t.Errorf("taken %v after the last renewal", took)
			}
		}, dates())
	}
}

// Where clocks do not count, one try cannot know: it says so, and from when on
// a later one can.
func TestB1_ObserveOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dies("k")
		for range 20 {
			m := w.process("m", dynalock.ObserveOnly())
			_, err := m.AcquireLock(background, "k")
			var held *dynalock.HeldError
			if !errors.As(err, &held) || !errors.Is(err, dynalock.ErrHeld) || held.Lease != lease {
				w.t.Fatal(err)
			}
			if left := time.Until(held.RetryAt); left < lease || left > lease+50*time.Millisecond {
				w.t.Errorf("a try may succeed in %v", left)
			}
			info, err := m.GetLock(background, "k")
			if err != nil || info.State != dynalock.StateUnknown {
				w.t.Errorf("a first look says %v, %v", info, err)
			}
			m.crash()
			pass(500 * time.Millisecond)
		}
		// By the clock the same look knows.
		info, err := w.process("m").GetLock(background, "k")
		if err != nil || info.State != dynalock.StateLapsed {
			w.t.Errorf("by the clock: %v, %v", info, err)
		}
		// And at the time that was told, the try that was told it succeeds.
		m := w.process("m", dynalock.ObserveOnly())
		_, err = m.AcquireLock(background, "k")
		var held *dynalock.HeldError
		if !errors.As(err, &held) {
			w.t.Fatal(err)
		}
		pass(time.Until(held.RetryAt))
		m.take("k")
	}, dates())
}

// A lock that was left behind long ago is taken by the first try. What a
// session kept alive costs its look and its end more.
func TestB1_AbandonedAYearAgo(t *testing.T) {
	for name, ahead := range map[string]time.Duration{
		"right clock": 0, "clock an hour ahead": time.Hour, "clock an hour behind": -time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.dies("in a session")
				dead := w.process("dead")
				dead.take("never renewed", live()...)
				dead.crash()
				pass(365 * 24 * time.Hour)
				for key, most := range map[string]int{"in a session": 4, "never renewed": 2} {
					m := w.process("m")
					m.clock.SetWall(ahead)
					l := m.take(key)
					if n := m.net.Requests().Total(); n > most {
						w.t.Errorf("%s: %d requests", key, n)
					}
					if !l.Held() || w.row(key).Owner != "m" || w.row(key).Session != "" {
						w.t.Errorf("%v, row %+v", l, w.row(key))
					}
				}
				pass(time.Second) // it is deleted behind the call
				if keys := w.table.Keys(); len(keys) != 2 {
					w.t.Error("the dead session stays:", keys)
				}
			}, dates())
		})
	}
}
