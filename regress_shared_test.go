package dynalock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Regressions of tenures that several handles share.

// A handle wrote the lease that it knew of, shorter than what another handle of
// the tenure had been promised. A third client then took the lock while that
// other handle still believed.
func TestRegress_RenewalShortenedWhatAnotherHandleBelieves(t *testing.T) {
	extend := func(w *world, l *dynalock.Lock, d time.Duration) {
		if err := l.Extend(background, d); err != nil {
			w.t.Error(err)
		}
	}
	for name, tt := range map[string]struct {
		opt   dynalock.AcquireOption
		share func(w *world, b *machine, l *dynalock.Lock) *dynalock.Lock
	}{
		"Renew after another's Extend": {dynalock.WithLease(time.Minute), func(w *world, b *machine, l *dynalock.Lock) *dynalock.Lock {
			other := b.attach(l)
			extend(w, l, time.Hour)
			if err := other.Renew(background); err != nil {
				w.t.Error(err)
			}
			return other
		}},
		"Extend after another's attach": {dynalock.WithLease(time.Minute), func(w *world, b *machine, l *dynalock.Lock) *dynalock.Lock {
			pass(50 * time.Second)
			other := b.attach(l)
			pass(time.Second)
			extend(w, l, time.Second)
			return other
		}},
		"Extend of no lease": {dynalock.WithoutLease(), func(w *world, b *machine, l *dynalock.Lock) *dynalock.Lock {
			other := b.attach(l)
			extend(w, l, 2*time.Second)
			return other
		}},
		"attach during another's Extend": {dynalock.WithLease(time.Minute), func(w *world, b *machine, l *dynalock.Lock) *dynalock.Lock {
			handle, gate, got := l.Handle(), faultstore.NewGate(), make(chan *dynalock.Lock)
			b.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, gate.Before())
			go func() {
				other, err := b.AttachLock(background, handle)
				if err != nil {
					w.t.Error(err)
				}
				got <- other
			}()
			<-gate.Arrived()
			extend(w, l, time.Hour)
			gate.Open()
			return <-got
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b, c, o := w.machine("a"), w.machine("b"), w.machine("c"), oracle{t: w.t}
				l := o.add(a, a.take("k", tt.opt))
				if other := tt.share(w, b, l); other != nil {
					o.add(b, other)
				}
				next := c.wait(background, "k", dynalock.Wait())
				o.passWith(90*time.Second, c, next)
			})
		})
	}
}

// To shorten nothing, each renewal of a shared tenure promised a little more
// than the one before, by what is not known of the store's time. A lease of
// 20 s that was renewed often grew without bounds.
func TestRegress_SharedLeaseGrewWithEachRenewal(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.process("a")
		l := a.take("k", dynalock.WithLease(20*time.Second))
		_ = l.Handle()
		for range 600 {
			pass(200 * time.Millisecond)
			if err := l.Renew(background); err != nil {
				w.t.Fatal(err)
			}
		}
		const most = 20*time.Second + 2*(time.Second+margin)
		if r := w.row("k"); r.Lease > most || time.Until(r.Expires) > most || time.Until(l.Deadline()) > 20*time.Second {
			w.t.Errorf("row has %v and ends in %v, believed for %v", r.Lease, time.Until(r.Expires), time.Until(l.Deadline()))
		}
	}, dates())
}

// Calls by key are for locks of the client's own owner name. They acted on
// another owner's lock if this client had attached it.
func TestRegress_ByKeyActedOnAnAttachedTenure(t *testing.T) {
	for name, call := range map[string]func(b *machine) error{
		"ReleaseLock": func(b *machine) error { return second(b.ReleaseLock(background, "k")) },
		"UpdateLock":  func(b *machine) error { return b.UpdateLock(background, "k", []byte("of b")) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.machine("a"), w.machine("b")
				l := a.take("k", dynalock.WithData([]byte("of a")))
				other := b.attach(l)
				before := w.row("k")
				if err := call(b); !errors.Is(err, dynalock.ErrOwnerMismatch) {
					w.t.Error(err)
				}
				if r := w.row("k"); r.Seq != before.Seq || r.Released || string(r.Data) != "of a" || !other.Held() {
					w.t.Errorf("row was %+v, is %+v; %v", before, r, other)
				}
			})
		})
	}
}

// Only the newest of a client's handles learned at once that the client itself
// had ended their tenure; the others went on to believe in it.
func TestRegress_AHandleOutlivedForceReleaseOrResume(t *testing.T) {
	for reason, ends := range map[dynalock.Reason]func(a *machine, token uint64) error{
		dynalock.ReasonForced:     func(a *machine, token uint64) error { return second(a.ForceRelease(background, "k", token)) },
		dynalock.ReasonSuperseded: func(a *machine, _ uint64) error { return second(a.ResumeLock(background, "k")) },
	} {
		t.Run(string(reason), func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := w.machine("a")
				first := a.take("k")
				handles := []*dynalock.Lock{first, a.attach(first), a.attach(first)}
				elsewhere := a.take("another key")
				if err := ends(a, first.Token()); err != nil {
					w.t.Fatal(err)
				}
				for i, l := range handles {
					var lost *dynalock.LostError
					if !isClosed(l.Done()) || !errors.As(l.Err(), &lost) || lost.Reason != reason || lost.By != "a" {
						w.t.Errorf("handle %d: %v, %v", i, l, l.Err())
					}
				}
				if !elsewhere.Held() {
					w.t.Error(elsewhere.Err())
				}
			})
		})
	}
}

// A release that found its tenure ended by another told the client's other
// handles of it that it had released them.
func TestRegress_ARefusedReleaseToldAnotherHandleThatItReleased(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		first := a.take("k")
		other := a.attach(first)
		if _, err := b.ForceRelease(background, "k", first.Token()); err != nil {
			w.t.Fatal(err)
		}
		for i, err := range []error{first.Release(background), other.Err()} {
			var lost *dynalock.LostError
			if !errors.As(err, &lost) || lost.Reason != dynalock.ReasonForced || lost.By != "b" {
				w.t.Errorf("handle %d: %v", i, err)
			}
		}
	})
}

// A client that took a lock anew, after its tenure had been ended from outside,
// had two handles that said they held it.
func TestRegress_TwoHandlesOfOneClientAfterAnEndFromOutside(t *testing.T) {
	for name, tt := range map[string]struct {
		ends   func(w *world, l *dynalock.Lock)
		reason dynalock.Reason
		by     string
	}{
		"forced": {func(w *world, l *dynalock.Lock) {
			if _, err := w.machine("b").ForceRelease(background, "k", l.Token()); err != nil {
				w.t.Fatal(err)
			}
		}, dynalock.ReasonForced, "b"},
		"deleted": {func(w *world, _ *dynalock.Lock) { w.table.Remove("k") }, dynalock.ReasonTakenOver, "a"},
	} {
		for wait, opts := range map[string][]dynalock.AcquireOption{"a try": nil, "waiting": {dynalock.Wait()}} {
			t.Run(name+", "+wait, func(t *testing.T) {
				inWorld(t, func(w *world) {
					a := w.machine("a")
					first := a.take("k", dynalock.WithoutLease())
					elsewhere := a.take("another key")
					tt.ends(w, first)
					second, err := a.AcquireLock(background, "k", opts...)
					if err != nil {
						w.t.Fatal(err)
					}
					var lost *dynalock.LostError
					if err := first.Err(); !errors.As(err, &lost) || lost.Reason != tt.reason || lost.By != tt.by {
						w.t.Errorf("%v: %v", first, err)
					}
					if !second.Held() || !elsewhere.Held() {
						w.t.Error(second.Err(), elsewhere.Err())
					}
				})
			})
		}
	}
}

// The same for one that waited in the queue for what its own client held.
func TestRegress_TwoHandlesOfOneClientAfterAGrant(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		first := a.take("k", dynalock.WithoutLease())
		got := make(chan *dynalock.Lock)
		go func() {
			l, err := a.AcquireLock(background, "k", dynalock.Wait())
			if err != nil {
				w.t.Error(err)
			}
			got <- l
		}()
		pass(3 * time.Second)
		if _, err := b.ForceRelease(background, "k", first.Token()); err != nil {
			w.t.Fatal(err)
		}
		second := <-got
		var lost *dynalock.LostError
		if err := first.Err(); !errors.As(err, &lost) || lost.Reason != dynalock.ReasonForced || lost.By != "b" || !second.Held() {
			w.t.Errorf("%v: %v; %v", first, err, second)
		}
	})
}
