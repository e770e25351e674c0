package dynalock_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Two processes of one owner name exclude each other like any two.
func TestA11_SameOwnerName(t *testing.T) {
	inWorld(t, func(w *world) {
		o := oracle{t: w.t}
		var done sync.WaitGroup
		for i := range 2 {
			m := w.machine("web-1")
			rng := rand.New(rand.NewPCG(11, uint64(i)))
			done.Go(func() {
				for range 200 {
					l, err := m.AcquireLock(background, "k", live()...)
					if err != nil && !errors.Is(err, dynalock.ErrHeld) {
						w.t.Error(err)
					}
					if err == nil {
						o.add(m, l)
						o.check()
						time.Sleep(seconds(rng, 0, 0.05))
						if err := l.Release(background); err != nil {
							w.t.Error(err)
						}
					}
					time.Sleep(seconds(rng, 0, 0.05))
				}
			})
		}
		done.Wait()
	})
}

// One client that takes a key twice waits for itself.
func TestA11_SameClientTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		l := a.take("k")
		if second, err := a.AcquireLock(background, "k"); !errors.Is(err, dynalock.ErrHeld) {
			w.t.Fatalf("%v, %v", second, err)
		}
		next := a.wait(background, "k", dynalock.Wait())
		pass(time.Minute)
		if next.over() || !l.Held() {
			w.t.Fatalf("%v, %v: %v", next.lock, next.err, l)
		}
		if err := l.Release(background); err != nil {
			w.t.Fatal(err)
		}
		if got := next.within(w.t, 2*time.Second); got.Token() <= l.Token() {
			w.t.Error(got, "after", l)
		}
	})
}

// Owner names are compared as a whole.
func TestA11_OwnerNamesMatchExactly(t *testing.T) {
	inWorld(t, func(w *world) {
		one, ten := w.machine("web-1"), w.machine("web-10")
		one.take("of one")
		ten.take("of ten")
		for name, want := range map[string][]string{"web-1": {"of one"}, "web-10": {"of ten"}, "web": nil, "web-": nil} {
			var got []string
			for info, err := range one.Locks(background, dynalock.WithOwner(name)) {
				if err != nil {
					w.t.Fatal(err)
				}
				got = append(got, info.Key)
			}
			if !slices.Equal(got, want) {
				w.t.Errorf("locks of %q: %q", name, got)
			}
		}
		before := w.row("of ten")
		for what, err := range map[string]error{
			"resume": second(one.ResumeLock(background, "of ten")), "release": second(one.ReleaseLock(background, "of ten")),
			"update": one.UpdateLock(background, "of ten", []byte("x")),
		} {
			if !errors.Is(err, dynalock.ErrOwnerMismatch) {
				w.t.Errorf("%s: %v", what, err)
			}
		}
		if r := w.row("of ten"); r.Nonce != before.Nonce || r.Seq != before.Seq || r.Released {
			w.t.Errorf("row was %+v, is %+v", before, r)
		}
		if l, err := ten.ResumeLock(background, "of ten"); err != nil || !l.Held() {
			w.t.Error(l, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// Tokens go on rising whatever became of the row.
func TestA13_TokensGoOnAfterDeletion(t *testing.T) {
	inWorld(t, func(w *world) {
		machines := []*machine{w.machine("a"), w.machine("b")}
		var last uint64
		cycle := func(what string, n int, opts ...dynalock.AcquireOption) {
			for i := range n {
				pass(time.Millisecond) // tokens of a new row count microseconds
				l := machines[i%2].take("k", opts...)
				if l.Token() <= last {
					w.t.Errorf("%s: token %d after %d", what, l.Token(), last)
				}
				last = l.Token()
				if err := l.Release(background); err != nil {
					w.t.Error(err)
				}
			}
		}
		modes := map[string][]dynalock.AcquireOption{
			"durable": nil, "leased": {dynalock.WithLease(lease)}, "live": live(), "for ever": {dynalock.WithoutLease()},
		}
		for name, opts := range modes {
			cycle(name, 20, opts...)
			cycle(name+", deleting", 20, append(opts, dynalock.DeleteOnRelease())...)
			if w.row("k") != nil {
				w.t.Error("the row is still there")
			}
			cycle(name+", again", 1, opts...)
			w.table.Remove("k")
			cycle(name+", removed by hand", 2, opts...)
			machines[0].take("k", dynalock.WithLease(lease))
			pass(2 * dynalock.DefaultRetention)
			if swept := w.table.Sweep(time.Now()); len(swept) != 1 {
				w.t.Errorf("swept %q", swept)
			}
			cycle(name+", removed as expired", 2, opts...)
		}
	})
}

// Clients that race for a row that is gone get different tokens.
func TestA13_RaceForTheNewRow(t *testing.T) {
	inWorld(t, func(w *world) {
		machines := []*machine{w.machine("a"), w.machine("b")}
		var mu sync.Mutex
		seen := map[uint64]bool{}
		for range 100 {
			w.table.Remove("k")
			pass(time.Millisecond)
			var done sync.WaitGroup
			for _, m := range machines {
				done.Go(func() {
					l, err := m.AcquireLock(background, "k", dynalock.Wait())
					if err != nil {
						w.t.Error(err)
						return
					}
					mu.Lock()
					if seen[l.Token()] {
						w.t.Errorf("token %d twice", l.Token())
					}
					seen[l.Token()] = true
					mu.Unlock()
					if err := l.Release(background); err != nil {
						w.t.Error(err)
					}
				})
			}
			done.Wait()
		}
		if len(seen) != 200 {
			w.t.Errorf("%d tokens", len(seen))
		}
	})
}

// 30 who wait for a holder that died: one gets it, the others go on waiting
// without a word, and each is served.
func TestA14_ManyWaitersOnADeadLock(t *testing.T) {
	inWorld(t, func(w *world) {
		o := oracle{t: w.t}
		dead := w.machine("dead")
		dead.take("k", live()...)
		tokens := map[uint64]bool{}
		var mu sync.Mutex
		var failed []*faultstore.Store
		var done sync.WaitGroup
		for i := range 3 {
			m := w.machine(fmt.Sprint("process ", i))
			m.net.On(faultstore.Match{}, faultstore.Delay(5*time.Millisecond)) // a network, not a call
			failed = append(failed, m.net)
			for range 10 {
				done.Go(func() {
					l, err := m.AcquireLock(background, "k", liveWait()...)
					if err != nil {
						w.t.Error(err)
						return
					}
					o.add(m, l)
					mu.Lock()
					if tokens[l.Token()] {
						w.t.Error("token twice:", l)
					}
					tokens[l.Token()] = true
					mu.Unlock()
					time.Sleep(100 * time.Millisecond)
					if err := l.Release(background); err != nil {
						w.t.Error(err)
					}
				})
			}
		}
		pass(time.Second)
		dead.crash()
		refused := 0
		for _, net := range failed {
			net.Reset() // the first tries are refused by right
		}
		o.pass(lease + 45*time.Second)
		done.Wait()
		for _, net := range failed {
			refused += net.Requests().Failed
		}
		if len(tokens) != 30 || refused > 4*30 {
			w.t.Errorf("%d served, %d refused writes", len(tokens), refused)
		}
		w.t.Logf("%d refused writes in 30 hand-overs", refused)
	})
}
