package k8slock_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A leader that is cut off gives up before another leads, as client-go counts.
func TestElectorCrash(t *testing.T) {
	bubble(t, func(t *testing.T, e *election) {
		a := e.run("a", false)
		e.want(time.Second, "a")
		b := e.run("b", false)
		e.want(time.Minute, "a")
		if a.knows() != "a" || b.knows() != "a" {
			t.Errorf("the leader is a; a knows %q, b %q", a.knows(), b.knows())
		}
		a.net.Down(faultstore.BlackHole())
		e.want(12*time.Second + 100*time.Millisecond) // RenewDeadline and RetryPeriod
		e.want(10*time.Second, "b")
		if e.most != 1 {
			t.Errorf("%d leaders at once", e.most)
		}
		a.net.Up()
		e.want(time.Minute, "b")
		if want := []string{"became leader", "stopped leading"}; !slices.Equal(a.events, want) {
			t.Errorf("events %q, want %q", a.events, want)
		}
	})
}

// A leader that steps down leaves a record without a holder, which another takes
// at its next look.
func TestElectorRelease(t *testing.T) {
	bubble(t, func(t *testing.T, e *election) {
		a := e.run("a", true)
		e.want(time.Second, "a")
		b := e.run("b", true)
		e.want(time.Second, "a")
		a.stop()
		e.want(5*time.Second, "b")
		if n := b.net.Requests(); n.Gets == 0 || n.Strong != n.Gets { // client-go repeats a step down at once while it conflicts
			t.Errorf("%d of %d reads are consistent", n.Strong, n.Gets)
		}
		if e.most != 1 {
			t.Errorf("%d leaders at once", e.most)
		}
	})
}

// Candidates that begin at the same moment elect one.
func TestElectorsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, e *election) {
		for _, name := range []string{"a", "b", "c", "d"} {
			e.run(name, false)
		}
		time.Sleep(time.Minute)
		if len(e.leaders()) != 1 || e.most != 1 {
			t.Errorf("%q lead, at most %d did", e.leaders(), e.most)
		}
	})
}

// Lost answers and repeated requests take the lead from nobody.
func TestElectorFaults(t *testing.T) {
	bubble(t, func(t *testing.T, e *election) {
		a := e.run("a", false)
		e.want(time.Second, "a")
		e.run("b", false)
		a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 3}, faultstore.ApplyCut())
		a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 3}, faultstore.Repeat(time.Second))
		a.net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 2}, faultstore.Chain(faultstore.Repeat(3*time.Second), faultstore.ApplyCut()))
		for range 120 {
			e.want(time.Second, "a")
		}
	})
}
