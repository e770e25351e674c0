package scenariotest

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A Harness says how the suite reaches a store.
type Harness struct {
	// Table makes an empty table, and gives what opens another connection to
	// it. All of it lasts until the test ends.
	Table func(t *testing.T) (open func() lockstore.Store)
	// RealTime is for stores that cannot run in a testing/synctest bubble:
	// other processes, sockets, files.
	RealTime bool
}

// A scenario is one test of the suite.
type scenario struct {
	name string
	run  func(w *world)
	busy bool // not at the same time as others, whose locks it would endanger
}

// Run runs the suite. In real time it takes about as long as the longest
// scenario, since they mostly wait.
func Run(t *testing.T, h Harness) {
	var all []scenario
	for _, some := range [][]scenario{waits(), renewals(), herds(), queues(), leaks(), throttled(), closes()} {
		all = append(all, some...)
	}
	if !h.RealTime {
		for _, s := range all {
			t.Run(s.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { s.run(newWorld(t, h)) })
			})
		}
		return
	}
	// t.Parallel would run only as many as there are processors.
	var running sync.WaitGroup
	for _, s := range all {
		if !s.busy {
			running.Go(func() { s.inRealTime(t, h) })
		}
	}
	running.Wait()
	for _, s := range all {
		if s.busy {
			s.inRealTime(t, h)
		}
	}
}

// inRealTime marks whatever the scenario starts, to tell it from the rest.
func (s scenario) inRealTime(t *testing.T, h Harness) {
	t.Run(s.name, func(t *testing.T) {
		labelled(t.Name(), func() { s.run(newWorld(t, h)) })
	})
}

// each makes a scenario of every variant.
func each[V any](name string, variants map[string]V, run func(w *world, v V)) (all []scenario) {
	for variant, v := range variants {
		all = append(all, scenario{name: name + ", " + variant, run: func(w *world) { run(w, v) }})
	}
	return all
}
