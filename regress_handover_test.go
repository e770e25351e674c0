package dynalock_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A client took a lock anew, after its tenure had been ended from outside, while
// that tenure was handed over within the client: two handles said they held it.
func TestRegress_TwoHandlesOfOneClientAfterALocalHandOver(t *testing.T) {
	for name, reserved := range map[string]bool{"by tokens that it had": true, "by tokens that it asked for": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.machine("a"), w.machine("b")
				opts := []dynalock.AcquireOption{dynalock.KeepAlive(), dynalock.WithLease(time.Minute)}
				stand := func() *waiting {
					next := a.wait(background, "k", slices.Concat(opts, []dynalock.AcquireOption{dynalock.Wait()})...)
					pass(time.Millisecond)
					return next
				}
				holder := stand().within(w.t, time.Second)
				next := stand()
				if reserved {
					must(w.t, holder.Release(background)) // reserves tokens for the one after next, too
					holder, next = next.within(w.t, time.Second), stand()
				}
				release := func() {
					go func() { _ = holder.Release(background) }()
					pass(time.Millisecond)
				}
				slow := faultstore.Match{Op: faultstore.OpWrite, Times: 1}
				a.net.On(slow, faultstore.Hold(2*time.Second)) // the acquire, or what asks for tokens
				if !reserved {
					release()
				}
				if _, err := b.ForceRelease(background, "k", uint64(w.row("k").Token)); err != nil {
					w.t.Fatal(err)
				}
				anew := a.wait(background, "k", opts...)
				pass(time.Millisecond)
				if reserved {
					release()
				}
				l := anew.within(w.t, 3*time.Second)
				pass(3 * time.Second)
				if !l.Held() || next.over() && next.lock.Held() {
					w.t.Errorf("%v, %v", l, next.lock)
				}
				must(w.t, l.Release(background))
				if !reserved {
					next.within(w.t, 5*time.Second)
				}
			})
		})
	}
}
