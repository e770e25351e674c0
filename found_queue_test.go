package dynalock_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What a review found of the queue.

// A Wait goes on when what was taken over could not be believed in
// time.
func TestFound_SlowTakeOverIsNoEnd(t *testing.T) {
	for name, f := range map[string]faultstore.Fault{"throttled": faultstore.Throttle(), "black hole": faultstore.BlackHole()} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.machine("a"), w.machine("b")
				a.take("k", dynalock.WithLease(3*time.Second))
				b.net.On(faultstore.Match{If: faultstore.Acquires, Skip: 1, Times: 1}, faultstore.Hold(3*time.Second))
				b.net.On(faultstore.Match{If: faultstore.Renewals, Times: 4}, f)
				next := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.WithLease(4*time.Second), dynalock.Wait())
				select {
				case <-next.got:
				case <-time.After(2 * time.Minute):
					t.Fatal("stuck")
				}
				if next.err != nil {
					t.Errorf("it gave up, though its context has not ended: %v", next.err)
					return
				}
			})
		})
	}
}

// The head of the queue keeps its turn though the answer to its
// takeover was lost.
func TestFound_LostAnswerOfATakeover(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, c := w.machine("a"), w.machine("b"), w.machine("c")
		a.take("k", dynalock.WithLease(3*time.Second))
		first := b.wait(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
		pass(500 * time.Millisecond)
		second := c.wait(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
		pass(500 * time.Millisecond)
		if n := len(w.row("k").Queue); n != 2 {
			t.Fatal(n)
		}
		b.net.On(faultstore.Match{If: faultstore.Acquires, Times: 1}, faultstore.ApplyCut())
		select {
		case <-first.got:
		case <-second.got:
			t.Error("the second one has it")
		case <-time.After(time.Minute):
			t.Error("nobody")
		}
	})
}
