package dynalock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// What old or unusual records do to those who wait.

func withoutTime() memstore.Option { return memstore.WithoutTime() }

// stale gives two machines of one history, so that the second can be shown
// what the first one wrote long ago.
func (w *world) stale(opts ...dynalock.ClientOption) (a, b *machine) {
	h := faultstore.NewHistory()
	a = w.connect("a", faultstore.New(w.table, faultstore.WithHistory(h)), nil)
	b = w.connect("b", faultstore.New(w.table, faultstore.WithHistory(h)), nil, opts...)
	return a, b
}

// A waiter that is shown older states neither overtakes the holder nor ends,
// and gets the lock when it is free.
func TestFound_StaleReads(t *testing.T) {
	for name, tt := range map[string]struct {
		back int // writes
		opts []dynalock.ClientOption
	}{
		"the state before":            {1, nil},
		"two before":                  {2, nil},
		"three before":                {3, nil},
		"before there was an item":    {100, nil},
		"the state before, observing": {1, []dynalock.ClientOption{dynalock.ObserveOnly()}},
		"two before, observing":       {2, []dynalock.ClientOption{dynalock.ObserveOnly()}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.stale(tt.opts...)
				o := oracle{t: w.t}
				for range 2 { // released, held, released, held by a higher token
					if err := a.take("k", live()...).Release(background); err != nil {
						w.t.Fatal(err)
					}
				}
				l := o.add(a, a.take("k", live()...))
				rule := b.net.On(faultstore.Match{}, faultstore.StaleReads(tt.back))
				next := b.wait(background, "k", liveWait()...)
				for range 10 {
					o.pass(lease)
					if next.over() || !l.Held() {
						w.t.Fatalf("%v, %v; %v", next.lock, next.err, l)
					}
				}
				if rule.Fired() == 0 {
					w.t.Fatal("no stale read")
				}
				// What is old is not taken for free. (What is not there, or so
				// old that its lease has passed, is tried.)
				if n := b.net.Requests().Writes; n > 3 && tt.back < 3 {
					w.t.Errorf("%d writes", n)
				}
				if err := l.Release(background); err != nil {
					w.t.Fatal(err)
				}
				o.pass(500 * time.Millisecond)
				rule.Off()
				o.add(b, next.within(w.t, 2*time.Second))
				o.pass(lease)
			})
		})
	}
}

// What was observed of a dead holder's lock is not forgotten because now and
// then a read shows the time before there was an item.
func TestFound_StaleReadsBeforeTheItem(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.stale(dynalock.ObserveOnly())
		l := a.take("k", dynalock.WithLease(lease))
		next := b.wait(background, "k", dynalock.Wait())
		for range 8 { // twice in each lease
			b.net.On(faultstore.Match{Op: faultstore.OpGet, Times: 1}, faultstore.StaleReads(100))
			pass(lease / 2)
		}
		if !next.over() {
			w.t.Errorf("%v; %+v", l, b.net.Requests())
		}
	})
}

// A row that was deleted and made anew by a client whose clock is behind has a
// lower token than before. Who saw the higher one must not take it for old.
func TestFound_LowerTokenAfterDeletion(t *testing.T) {
	for name, ends := range map[string]func(w *world, b *machine, l *dynalock.Lock){
		"released": func(w *world, _ *machine, l *dynalock.Lock) {
			if err := l.Release(background); err != nil {
				w.t.Error(err)
			}
		},
		"holder died": func(_ *world, b *machine, _ *dynalock.Lock) { b.crash() },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b, c := w.process("a"), w.process("b"), w.process("c", dynalock.WithPollInterval(time.Second, time.Second))
				a.clock.SetWall(300 * time.Millisecond)
				a.take("k", live()...)
				next := c.wait(background, "k", dynalock.Wait())
				pass(100 * time.Millisecond)
				w.table.Remove("k") // by hand: a release would hand it over
				l := b.take("k", live()...)
				if l.Token() >= uint64(time.Now().Add(200*time.Millisecond).UnixMicro()) {
					w.t.Fatal("the token did not go back: the test shows nothing")
				}
				pass(5 * time.Second)
				if next.over() || !l.Held() {
					w.t.Fatalf("%v, %v; %v", next.lock, next.err, l)
				}
				token := l.Token()
				ends(w, b, l)
				if got := next.within(w.t, 2*lease+2*time.Second); got.Token() <= token {
					w.t.Errorf("%v after token %d", got, token)
				}
			}, dates())
		})
	}
}

// A waiter whose store no longer tells its time goes by what it sees, and does
// not try by writing what only a clock could allow.
func TestFound_StoreStopsTellingTime(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.process("a"), w.process("b")
		a.take("k", dynalock.WithLease(time.Hour))
		a.crash()
		pass(10 * time.Minute)
		next := b.wait(background, "k", dynalock.Wait())
		pass(time.Second)
		b.net.On(faultstore.Match{}, faultstore.NoTime())
		b.net.Reset()
		next.within(w.t, time.Hour+time.Minute)
		if n := b.net.Requests().Writes; n > 3 {
			w.t.Errorf("%d writes", n)
		}
	}, dates())
}

// A lock of an earlier version, which wrote neither nonce nor lease, is held
// until it is released, by its owner's name.
func TestFound_EarlierVersionHolds(t *testing.T) {
	early := &lockstore.Record{Owner: "old", Since: time.Unix(1_700_000_000, 0).UTC(), Data: []byte("data")}
	inWorld(t, func(w *world) {
		w.table.Put("k", early)
		b := w.process("b")
		_, err := b.AcquireLock(background, "k")
		var held *dynalock.HeldError
		if !errors.As(err, &held) || held.Owner != "old" || !held.RetryAt.IsZero() || held.Token != 0 {
			w.t.Errorf("%v", err)
		}
		next := b.wait(background, "k", dynalock.Wait())
		pass(time.Hour)
		if next.over() || w.row("k").Nonce != "" {
			w.t.Fatalf("%v, %v", next.lock, next.err)
		}
		if ok, err := b.ReleaseLock(background, "k"); ok || !errors.Is(err, dynalock.ErrOwnerMismatch) {
			w.t.Error(ok, err)
		}
		// Its own process releases it as it always did.
		released := w.row("k")
		released.Released = true
		w.table.Put("k", released)
		l := next.within(w.t, 2*time.Second)
		if r := w.row("k"); l.Token() == 0 || string(l.Data()) != "data" || r.Owner != "b" || r.Nonce == "" || r.Released {
			w.t.Errorf("%v, row %+v", l, r)
		}
	}, dates())
}

// What the calls by key do with such a lock.
func TestFound_EarlierVersionByKey(t *testing.T) {
	early := &lockstore.Record{Owner: "old", Since: time.Unix(1_700_000_000, 0).UTC(), Data: []byte("data")}
	for name, act := range map[string]func(w *world, m *machine){
		"release": func(w *world, m *machine) {
			if ok, err := m.ReleaseLock(background, "k"); !ok || err != nil || !w.row("k").Released {
				w.t.Errorf("%v, %v, row %+v", ok, err, w.row("k"))
			}
			w.machine("b").take("k")
		},
		"resume": func(w *world, m *machine) {
			l, err := m.ResumeLock(background, "k", live()...)
			if err != nil || l.Token() == 0 || string(l.Data()) != "data" {
				w.t.Fatal(l, err)
			}
			pass(2 * lease)
			if err := l.Release(background); err != nil {
				w.t.Error(err)
			}
			w.machine("b").take("k")
		},
		"update": func(w *world, m *machine) {
			if err := m.UpdateLock(background, "k", []byte("new")); err != nil || string(w.row("k").Data) != "new" {
				w.t.Errorf("%v, row %+v", err, w.row("k"))
			}
		},
		"force": func(w *world, m *machine) {
			if _, err := w.machine("operator").ForceRelease(background, "k", 0); err != nil || !w.row("k").Released {
				w.t.Errorf("%v, row %+v", err, w.row("k"))
			}
			m.take("k")
		},
		"released before": func(w *world, _ *machine) {
			r := w.row("k")
			r.Released = true
			w.table.Put("k", r)
			b := w.machine("b")
			if l := b.take("k"); b.net.Requests().Total() != 1 || l.Token() == 0 {
				w.t.Errorf("%v by %+v", l, b.net.Requests())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.table.Put("k", early)
				act(w, w.process("old"))
			})
		})
	}
}
