package sim

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
)

var (
	first  = flag.Uint64("seed", 1, "the first seed")
	runs   = flag.Uint64("runs", 100, "how many seeds")
	during = flag.Duration("for", 0, "go on with further seeds for so long")
	trace  = flag.Bool("trace", false, "print the history")
	twice  = flag.Bool("twice", false, "run each seed twice and compare the histories")
	known  = flag.Bool("known", false, "also what is known to fail: see docs/bugs.md")
	goon   = flag.Bool("keep", false, "go on after a failure")
	off    = flag.String("off", "", "kinds of trouble to leave out, with commas between")
)

// TestSim runs histories, one after the other: in one process only one at a
// time is repeatable.
func TestSim(t *testing.T) {
	began := time.Now()
	n := uint64(0)
	for ; n < *runs || time.Since(began) < *during; n++ {
		seed := *first + n
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { once(t, seed) }) {
			if !*goon {
				break
			}
		}
	}
	t.Logf("%d histories in %v", n, time.Since(began).Round(time.Millisecond))
}

func once(t *testing.T, seed uint64) {
	w := history(t, seed)
	if *twice && !t.Failed() {
		if again := history(t, seed); w.oracle.hash != again.oracle.hash {
			t.Errorf("seed %d: two runs differ", seed)
			for i := range min(len(w.oracle.lines), len(again.oracle.lines)) {
				if a, b := w.oracle.lines[i], again.oracle.lines[i]; a != b {
					t.Errorf("line %d:\n%s\n%s", i, a, b)
					if !*goon {
						break
					}
				}
			}
		}
	}
}

// history runs one and prints what is wrong.
func history(t *testing.T, seed uint64) (w *world) {
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, seed)
		w.run()
	})
	if *trace {
		for _, line := range w.oracle.lines {
			fmt.Fprintln(os.Stderr, line)
		}
	}
	for _, wrong := range w.oracle.found {
		t.Error(wrong)
	}
	if t.Failed() {
		t.Errorf("seed %d failed; again, with its history: GOMAXPROCS=1 go test ./sim -run 'TestSim$' -seed=%d -runs=1 -trace", seed, seed)
	}
	return w
}

func errorsTransient(err error) bool {
	return errors.Is(err, dynalock.ErrUnavailable) || errors.Is(err, dynalock.ErrThrottled) || errors.Is(err, os.ErrDeadlineExceeded)
}
