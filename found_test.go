package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Faults that simulation and review found in the protocol's earlier texts, or
// in this code, each with a test of its own: here those of late requests.

// looked is when the last look for what a late acquire left is over.
const looked = 121 * time.Second

// A copy of an acquire that arrives when its tenure is over leaves no lock that
// stays, whatever became of the row meanwhile.
func TestFound_LateCopyOfAcquire(t *testing.T) {
	for name, after := range map[string]func(w *world, b *machine){
		"released": func(*world, *machine) {},
		"deleted":  func(w *world, _ *machine) { w.table.Remove("k") },
		"taken and released by another": func(w *world, b *machine) {
			if err := b.take("k").Release(background); err != nil {
				w.t.Error(err)
			}
		},
		// A look that finds the tenure released must not be the last one.
		"so, after a look": func(w *world, b *machine) {
			pass(300 * time.Millisecond)
			if err := b.take("k").Release(background); err != nil {
				w.t.Error(err)
			}
		},
	} {
		for _, late := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 20 * time.Second, 100 * time.Second} {
			t.Run(fmt.Sprint(name, late), func(t *testing.T) {
				inWorld(t, func(w *world) {
					a, b, o := w.machine("a"), w.machine("b"), oracle{t: w.t}
					began := time.Now()
					a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1},
						faultstore.Chain(faultstore.Repeat(late), faultstore.ApplyCut()))
					l := o.add(a, a.take("k"))
					if err := l.Release(background); err != nil {
						w.t.Fatal(err)
					}
					after(w, b)
					o.pass(time.Until(began.Add(late + time.Millisecond)))
					// Under its own nonce the copy does not even pass.
					if r := w.row("k"); a.net.Pending() != 0 || (r == nil || r.Released) != (name == "released") {
						w.t.Fatalf("the copy has not arrived, or passed: %+v", r)
					}
					o.pass(time.Until(began.Add(looked)))
					if r := w.row("k"); r != nil && !r.Released {
						w.t.Errorf("orphan %+v", r)
					}
					if len(o.check()) != 0 || l.Held() {
						w.t.Error("somebody believes:", l)
					}
					b.take("k")
				})
			})
		}
	}
}

// The same for an acquire whose caller had given up before it arrived.
func TestFound_LateAcquireOfAGivenUpCall(t *testing.T) {
	for _, late := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 20 * time.Second, 100 * time.Second} {
		inWorld(t, func(w *world) {
			a, b := w.machine("a"), w.machine("b")
			began := time.Now()
			a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.Late(late))
			ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
			defer cancel()
			if l, err := a.AcquireLock(ctx, "k", dynalock.WithoutLease()); l != nil || !errors.Is(err, context.DeadlineExceeded) {
				w.t.Fatal(l, err)
			}
			next := b.wait(background, "k", dynalock.Wait())
			if err := next.within(w.t, time.Second).Release(background); err != nil {
				w.t.Fatal(err)
			}
			pass(time.Until(began.Add(late + time.Millisecond)))
			if r := w.row("k"); a.net.Pending() != 0 || r.Owner != "a" && r.Released == false {
				w.t.Fatalf("the late acquire has not arrived: %+v", r)
			}
			b.wait(background, "k", dynalock.Wait()).within(w.t, time.Until(began.Add(looked+time.Second)))
		})
	}
}

// What an acquire left behind is also found if the store was away at each of
// the times of looking.
func TestFound_OutageDuringLooks(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.BlackHoleApplied())
		ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
		defer cancel()
		if l, err := a.AcquireLock(ctx, "k", dynalock.WithoutLease()); l != nil || !errors.Is(err, context.DeadlineExceeded) {
			w.t.Fatal(l, err)
		}
		a.net.Down(faultstore.Refuse())
		pass(5 * time.Minute)
		if r := w.row("k"); r == nil || r.Owner != "a" || r.Released {
			w.t.Fatalf("%+v", r)
		}
		a.net.Up()
		b.wait(background, "k", dynalock.Wait()).within(w.t, looked+10*time.Second)
	})
}

// Looking for what an acquire left behind spares the tenure where a handle of
// it lives: of this client, or of another that attached.
func TestFound_LooksSpareAttachedHandles(t *testing.T) {
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprint("same client ", same), func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b, c, o := w.machine("a"), w.machine("b"), w.machine("c"), oracle{t: w.t}
				a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.ApplyCut())
				first := o.add(a, a.take("k", dynalock.WithLease(lease))) // a retry recognised it
				m := b
				if same {
					m = a
				}
				other, err := m.AttachLock(background, first.Handle())
				if err != nil {
					w.t.Fatal(err)
				}
				o.add(m, other)
				// One of the two handles is renewed, and the other one ends.
				renewed := other
				if same {
					renewed = first
				}
				next := c.wait(background, "k", dynalock.Wait())
				for range 140 {
					if err := renewed.Renew(background); err != nil {
						w.t.Fatal(err)
					}
					o.passWith(time.Second, c, next)
				}
				if !renewed.Held() || next.over() {
					w.t.Errorf("%v; the waiter has %v, %v", renewed, next.lock, next.err)
				}
			})
		})
	}
}

// Nor does Close take a durable lock for something left behind.
func TestFound_CloseKeepsDurableLock(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a")
		a.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.ApplyCut())
		l := a.take("k") // a retry recognised it
		pass(time.Second)
		if err := a.Close(background); err != nil || l.Held() {
			w.t.Fatal(err, l)
		}
		if r := w.row("k"); r == nil || r.Released {
			w.t.Errorf("the lock was released: %+v", r)
		}
		if l, err := w.machine("a").ResumeLock(background, "k"); err != nil || !l.Held() {
			w.t.Error(l, err)
		}
	})
}

// An update that arrives late changes nothing.
func TestFound_LateUpdate(t *testing.T) {
	for name, after := range map[string]func(w *world, b *machine, l *dynalock.Lock) []byte{
		"after a newer one": func(w *world, _ *machine, l *dynalock.Lock) []byte {
			if err := l.Update(background, []byte("newer")); err != nil {
				w.t.Error(err)
			}
			return []byte("newer")
		},
		"after the release": func(w *world, _ *machine, l *dynalock.Lock) []byte {
			if err := l.Release(background); err != nil {
				w.t.Error(err)
			}
			return []byte("first")
		},
		"after another acquired": func(w *world, b *machine, l *dynalock.Lock) []byte {
			if err := l.Release(background); err != nil {
				w.t.Error(err)
			}
			b.take("k", dynalock.WithData([]byte("of b")))
			return []byte("of b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.machine("a"), w.machine("b")
				l := a.take("k", dynalock.WithData([]byte("first")))
				a.net.On(faultstore.Match{If: faultstore.Updates, Times: 1}, faultstore.Late(time.Second))
				ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
				defer cancel()
				if err := l.Update(ctx, []byte("late")); !errors.Is(err, context.DeadlineExceeded) {
					w.t.Fatal(err)
				}
				want := after(w, b, l)
				before := w.row("k")
				pass(2 * time.Second)
				if r := w.row("k"); a.net.Pending() != 0 || string(r.Data) != string(want) || r.Seq != before.Seq || r.Released != before.Released {
					w.t.Errorf("row was %+v, is %+v", before, r)
				}
			})
		})
	}
}

// A release that arrives late ends no tenure but its own.
func TestFound_LateRelease(t *testing.T) {
	for name, opts := range map[string][]dynalock.AcquireOption{"keep": nil, "delete": {dynalock.DeleteOnRelease()}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.machine("a"), w.machine("b")
				l := a.take("k", opts...)
				a.net.On(faultstore.Match{If: faultstore.Releases, Times: 1}, faultstore.Late(10*time.Second))
				ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
				defer cancel()
				// It goes on in the background, with another request, which may
				// succeed in the very moment in which the context ends.
				if err := l.Release(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					w.t.Fatal(err)
				}
				next := b.wait(background, "k", append(opts, dynalock.Wait())...).within(w.t, 2*time.Second)
				before := w.row("k")
				pass(10 * time.Second)
				if r := w.row("k"); a.net.Pending() != 0 || r == nil || r.Nonce != before.Nonce || r.Released || !next.Held() {
					w.t.Errorf("row was %+v, is %+v", before, r)
				}
				if err := l.Release(background); err != nil {
					w.t.Errorf("repeated release: %v", err)
				}
			})
		})
	}
}

// A renewal that arrives late does not move the end of the lease back, nor
// revive a lock that was released.
func TestFound_LateRenewal(t *testing.T) {
	for _, late := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond, 5 * time.Second} {
		inWorld(t, func(w *world) {
			a, b, o := w.machine("a"), w.machine("b"), oracle{t: w.t}
			l := o.add(a, a.takeAlone("k", live()...))
			a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 2}, faultstore.Late(late))
			last := w.row("k").Expires
			var r *lockstore.Record
			for end := time.Now().Add(3 * lease); time.Now().Before(end); last = r.Expires {
				o.pass(10 * time.Millisecond)
				if r = w.row("k"); r.Expires.Before(last) {
					w.t.Fatalf("late by %v: the end was %v, is %v", late, last, r.Expires)
				}
			}
			if !l.Held() {
				w.t.Fatalf("late by %v: %v", late, l)
			}
			rule := a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.Late(late))
			<-rule.Done()
			if err := l.Release(background); err != nil {
				w.t.Fatal(err)
			}
			o.pass(2 * late)
			if r := w.row("k"); a.net.Pending() != 0 || !r.Released {
				w.t.Errorf("late by %v: revived: %+v", late, r)
			}
			b.take("k")
		})
	}
}
