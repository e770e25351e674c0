package dynalock_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A band is some machines that take turns at one key, over and over.
type band struct {
	machines []*machine
	hold     func(nth int) time.Duration // of the nth grant

	mu    sync.Mutex
	over  bool
	begun int // turns, since ever
	turns []turn
	all   sync.WaitGroup
}

type turn struct{ asked, got, released time.Time }

// band starts n machines whose requests take trip, there and back.
func (w *world) band(n int, trip time.Duration, hold func(nth int) time.Duration, opts ...dynalock.ClientOption) *band {
	b := &band{hold: hold}
	for who := range n {
		m := w.machine(fmt.Sprint(who), opts...)
		m.net.On(faultstore.Match{}, faultstore.Chain(faultstore.Delay(trip/2), faultstore.Hold(trip/2)))
		b.machines = append(b.machines, m)
		b.all.Go(func() {
			for b.play(w.t, m) {
			}
		})
	}
	return b
}

// play takes one turn; false: it is over.
func (b *band) play(t *testing.T, m *machine) bool {
	at := turn{asked: time.Now()}
	l, err := m.AcquireLock(bg, "k", dynalock.Wait(), dynalock.KeepAlive())
	if err != nil {
		t.Error(err)
		return false
	}
	at.got = time.Now()
	b.mu.Lock()
	nth := b.begun
	b.begun++
	b.mu.Unlock()
	time.Sleep(b.hold(nth)) // fake time: only bubbles have bands
	at.released = time.Now()
	b.mu.Lock()
	b.turns = append(b.turns, at)
	over := b.over
	b.mu.Unlock()
	if err := l.Release(bg); err != nil {
		t.Error(err)
	}
	return !over
}

func (b *band) end() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	b.all.Wait()
}

// until waits for so many turns to have begun.
func (b *band) until(turns int) {
	for begun := 0; begun < turns; {
		pass(time.Millisecond)
		b.mu.Lock()
		begun = b.begun
		b.mu.Unlock()
	}
}

// count starts counting anew, and gives what there was.
func (b *band) count() (turns []turn, sent faultstore.Counts) {
	b.mu.Lock()
	turns, b.turns = b.turns, nil
	b.mu.Unlock()
	for _, m := range b.machines {
		c := m.net.Requests()
		sent.Gets, sent.Writes, sent.Failed = sent.Gets+c.Gets, sent.Writes+c.Writes, sent.Failed+c.Failed
		m.net.Reset()
	}
	return turns, sent
}

// handOvers are the times from each Release on to when the next one has the lock.
func handOvers(turns []turn) (took []time.Duration) {
	for i := 1; i < len(turns); i++ {
		took = append(took, turns[i].got.Sub(turns[i-1].released))
	}
	return took
}

func meanOf(all []time.Duration) (sum time.Duration) {
	for _, d := range all {
		sum += d
	}
	return sum / time.Duration(max(len(all), 1))
}

func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// In a steady rhythm a turn costs two writes and a few reads, a waiter sees its
// grant soon after the release, and all wait about equally long.
func TestPacing_Steady(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		n          int
		hold, trip time.Duration
		reads      float64 // each, at most
		trips      float64 // of a hand-over, at most, on average
	}{
		{8, ms, ms * 8 / 10, 4, 2},
		{8, 20 * ms, 4 * ms, 5, 1.8},
		{4, 5 * ms, 2 * ms, 4, 1.8},
		{2, 10 * ms, ms, 4, 1.8},
		{8, 300 * ms, 5 * ms, 16, 4}, // never further apart than without a rhythm
	} {
		t.Run(fmt.Sprintf("%d hold %v, %v away", c.n, c.hold, c.trip), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				b := w.band(c.n, c.trip, always(c.hold))
				pass(2*time.Second + 100*(c.hold+c.trip))
				b.count()
				pass(500 * (c.hold + c.trip))
				turns, sent := b.count()
				n := float64(len(turns))
				reads, took := float64(sent.Gets)/n, handOvers(turns)
				trips := float64(meanOf(took)) / float64(c.trip)
				t.Logf("%.0f turns, %.2f reads and %.2f writes each, %.2f trips a hand-over", n, reads, float64(sent.Writes)/n, trips)
				if reads > c.reads || trips > c.trips || sent.Failed > 0 || float64(sent.Writes) > 2*n+float64(c.n) {
					t.Errorf("want at most %v reads, 2 writes, %v trips", c.reads, c.trips)
				}
				var waits []time.Duration
				for _, at := range turns {
					waits = append(waits, at.got.Sub(at.asked))
				}
				slices.Sort(waits)
				if p50, p99 := waits[len(waits)/2], waits[len(waits)*99/100]; p99 > 2*p50 {
					t.Errorf("waits: p50 %v, p99 %v", p50, p99)
				}
				b.end()
			})
		})
	}
}

// A crowd that meets for the first time knows nothing, and is in its rhythm
// soon after each has had a turn.
func TestPacing_Begins(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		b := w.band(8, time.Millisecond, always(time.Millisecond))
		pass(1500 * time.Millisecond)
		b.count()
		pass(time.Second)
		if turns, _ := b.count(); len(turns) < 250 {
			t.Errorf("%d turns in the second second", len(turns))
		}
		b.end()
	})
}

// A holder that takes much longer than usual costs few reads: they are further
// and further apart, and no further than a waiter may be from its grant.
func TestPacing_LongHold(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const usual, trip, long = time.Millisecond, time.Millisecond, 10 * time.Second
		b := w.band(8, trip, func(nth int) time.Duration {
			if nth == 1000 {
				return long
			}
			return usual
		})
		b.until(1001)
		b.count()
		reads := func() (n int) {
			for _, m := range b.machines {
				n += m.net.Requests().Gets
			}
			return n
		}
		pass(100 * usual)
		first := reads()
		pass(long - 101*usual)
		all := reads()
		pass(3 * time.Second)
		turns, _ := b.count()
		b.end()
		over := handOvers(turns)[0]
		t.Logf("7 waiters: %d reads in 100 times as long as usual, %d in 10 s; then a hand-over of %v", first, all, over)
		if first > 7*20 || all > 7*40 || over > 1100*time.Millisecond {
			t.Error("too many reads, or too late")
		}
		if len(turns) < 200 { // all look within a second, and are in their rhythm again
			t.Errorf("only %d turns in the 3 s after it", len(turns))
		}
	})
}

// One hand-over that is late does not slow those after it.
func TestPacing_NoFeedback(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		late := func(nth int) time.Duration {
			if nth == 500 {
				return 100 * time.Millisecond
			}
			return time.Millisecond
		}
		b := w.band(8, time.Millisecond, late)
		b.until(720)
		b.end()
		took := handOvers(b.turns)
		before, after := meanOf(took[300:500]), meanOf(took[508:708])
		t.Logf("hand-overs: %v before, %v after it, then %v", before, took[500:508], after)
		if after > before*5/4 {
			t.Errorf("%v instead of %v", after, before)
		}
		// Those behind had been looking less often, and are back at once.
		if sum := meanOf(took[500:508]) * 8; sum > 100*time.Millisecond {
			t.Errorf("the eight hand-overs after it took %v", sum)
		}
	})
}

// Holds that become shorter or longer are followed.
func TestPacing_Follows(t *testing.T) {
	const short, long, trip = time.Millisecond, 30 * time.Millisecond, time.Millisecond
	for _, c := range []struct {
		name    string
		hold    func(nth int) time.Duration
		settled int // which turn comes after the change, and some rounds
	}{
		{"shorter", func(nth int) time.Duration {
			if nth < 200 {
				return long
			}
			return short
		}, 200 + 8*4},
		{"longer", func(nth int) time.Duration {
			if nth < 200 {
				return short
			}
			return long
		}, 200 + 8*12},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				b := w.band(8, trip, c.hold)
				b.until(c.settled)
				b.count()
				pass(3 * time.Second)
				turns, sent := b.count()
				b.end()
				reads, over := float64(sent.Gets)/float64(len(turns)), meanOf(handOvers(turns))
				t.Logf("%d turns, %.2f reads each, hand-overs of %v", len(turns), reads, over)
				if reads > 9 || over > 5*trip/2 {
					t.Error("too many reads, or too late")
				}
			})
		})
	}
}

// A poll interval that was set is kept, however well a waiter knows its turn.
func TestPacing_KeepsTheIntervalThatWasSet(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const least = 40 * time.Millisecond
		b := w.band(4, time.Millisecond, always(5*time.Millisecond), dynalock.WithPollInterval(least, time.Second))
		pass(20 * time.Second)
		b.end()
		reads := 0
		for _, m := range b.machines {
			var last time.Time
			for _, e := range m.net.Log() {
				if e.Op != faultstore.OpGet {
					last = time.Time{}
					continue
				}
				if reads++; !last.IsZero() && e.Start.Sub(last) < least {
					t.Errorf("two reads within %v", e.Start.Sub(last))
				}
				last = e.Start
			}
		}
		if reads < 100 {
			t.Error("only", reads)
		}
	})
}
