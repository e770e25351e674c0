package dynalock_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A guarded resource refuses a lower fencing token than the last one.
type guarded struct{ token uint64 }

func (g *guarded) write(token uint64) bool {
	if token < g.token {
		return false
	}
	g.token = token
	return true
}

// A process that was stopped with the lock, and goes on when another has it,
// is refused by the resource, and learns of its loss before it renews anything.
func TestA7_StoppedHolderIsFenced(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		var resource guarded
		l := a.take("k", live()...)
		token := l.Token()
		pass(3 * lease)
		if l.Token() != token || uint64(w.row("k").Token) != token || !resource.write(token) {
			w.t.Fatalf("renewing changed the token: %v, row %+v", l, w.row("k"))
		}
		a.clock.Freeze()
		pass(2 * lease)
		l2 := b.take("k", live()...)
		if l2.Token() <= token || !resource.write(l2.Token()) {
			w.t.Fatalf("%v after token %d", l2, token)
		}
		a.net.Reset()
		a.clock.Thaw()
		if l.Held() || resource.write(token) {
			w.t.Error("the former holder believes, or wrote")
		}
		pass(lease)
		for _, e := range a.net.Log() {
			if e.Op == faultstore.OpWrite && e.Applied {
				w.t.Error("the former holder changed the row:", e)
			}
		}
		if err := l.Release(background); !errors.Is(err, dynalock.ErrNotHeld) || !l2.Held() {
			w.t.Errorf("release: %v, then %v", err, l2)
		}
	})
}

// 8 clients take one lock 10,000 times: each tenure's token is higher than all
// before it.
func TestA7_TokensRise(t *testing.T) {
	inWorld(t, func(w *world) {
		var mu sync.Mutex
		var taken int
		var last uint64
		var done sync.WaitGroup
		for i := range 8 {
			m := w.machine(string(rune('a' + i)))
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			done.Go(func() {
				for n := 0; n < 1250; {
					l, err := m.AcquireLock(background, "k")
					if errors.Is(err, dynalock.ErrHeld) {
						time.Sleep(seconds(rng, 0, 0.004))
						continue
					}
					if err != nil {
						w.t.Error(err)
						return
					}
					n++
					mu.Lock()
					if l.Token() <= last {
						w.t.Errorf("token %d after %d", l.Token(), last)
					}
					last = l.Token()
					taken++
					mu.Unlock()
					time.Sleep(seconds(rng, 0, 0.001))
					if err := l.Release(background); err != nil {
						w.t.Error(err)
						return
					}
				}
			})
		}
		done.Wait()
		if taken != 10_000 {
			w.t.Errorf("%d acquisitions", taken)
		}
	})
}

// A release while the answer of a renewal is still to come frees the row, and
// nothing is renewed after it.
func TestA10_ReleaseDuringRenewal(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		l := a.take("k", live()...)
		rule := a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.Hold(500*time.Millisecond))
		<-rule.Done()
		pass(250 * time.Millisecond)
		if err := l.Release(background); err != nil || !w.row("k").Released {
			w.t.Fatalf("%v, row %+v", err, w.row("k"))
		}
		noWriteFor(w, a, 3*lease)
	})
}

// A renewal that arrives when the next one holds the lock changes nothing.
func TestA10_RenewalArrivesAfterRelease(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, o := w.machine("a"), w.machine("b"), oracle{t: w.t}
		l := o.add(a, a.take("k", live()...))
		rule := a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.Late(time.Second))
		<-rule.Done()
		pass(250 * time.Millisecond)
		if err := l.Release(background); err != nil {
			w.t.Fatal(err)
		}
		o.add(b, b.take("k"))
		before := w.row("k")
		o.pass(2 * time.Second)
		if r := w.row("k"); a.net.Pending() != 0 || r.Nonce != before.Nonce || r.Seq != before.Seq || !r.Expires.Equal(before.Expires) {
			w.t.Errorf("row was %+v, is %+v", before, r)
		}
	})
}

// isSession reports whether that is the key of a session's record.
func isSession(key string) bool { return strings.HasPrefix(key, "dynalock:session:") }

// noWriteFor fails the test if the machine sends a write in that time, save for
// the end of a session.
func noWriteFor(w *world, m *machine, d time.Duration) {
	w.t.Helper()
	m.net.Reset()
	pass(d)
	for _, e := range m.net.Log() {
		if e.Op == faultstore.OpWrite && !(isSession(e.Key) && e.What == "release") {
			w.t.Error("written after the release:", e)
		}
	}
}

// Whatever the moment of a release, also in the middle of a renewal, it works
// and is the last that the row sees of that holder.
func TestA10_RandomReleases(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		rng := rand.New(rand.NewPCG(10, 1))
		for _, f := range []faultstore.Fault{
			faultstore.Hold(150 * time.Millisecond), faultstore.Delay(150 * time.Millisecond), faultstore.Late(150 * time.Millisecond),
		} {
			// Most renewals are under way for a while; the rest are not.
			a.net.On(faultstore.Match{If: faultstore.Renewals, Skip: 1, Times: 1500}, f)
		}
		for i := range 2000 {
			l := a.take("k", dynalock.WithLease(dynalock.MinLease), dynalock.KeepAlive())
			time.Sleep(seconds(rng, 0.25, 0.75))
			if err := l.Release(background); err != nil {
				w.t.Fatalf("round %d: %v", i, err)
			}
			if r := w.row("k"); !r.Released {
				w.t.Fatalf("round %d: %+v", i, r)
			}
			noWriteFor(w, a, seconds(rng, 0.2, 1))
			if r := w.row("k"); !r.Released || w.t.Failed() {
				w.t.Fatalf("round %d: %+v", i, r)
			}
		}
	})
}
