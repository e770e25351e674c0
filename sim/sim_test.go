package sim

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
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
func TestSim(t *testing.T) { several(t, newConfig) }

// TestMixes runs histories in which all ways to use a lock meet on the same
// keys: durable, leased and live locks in the queue, with resume, force release,
// HoldAtLeast, encryption, and clients that know no queue and no sessions.
func TestMixes(t *testing.T) {
	several(t, func(seed uint64) *config {
		c := newConfig(seed)
		for _, kind := range []string{"polls", "resume", "bykey", "force", "hold", "data", "encrypt", "endless", "update"} {
			c.has[kind] = true
		}
		c.has["wall"] = c.has["wall"] && *known
		c.live, c.clients = .2+.6*c.live, max(c.clients, 3)
		return c
	})
}

func several(t *testing.T, configure func(seed uint64) *config) {
	began, n := time.Now(), uint64(0)
	for ; n < *runs || time.Since(began) < *during; n++ {
		seed := *first + n
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { once(t, seed, configure) }) && !*goon {
			break
		}
	}
	t.Logf("%d histories in %v", n, time.Since(began).Round(time.Millisecond))
}

func once(t *testing.T, seed uint64, configure func(uint64) *config) {
	w := history(t, seed, configure(seed))
	if !*twice || t.Failed() {
		return
	}
	again := history(t, seed, configure(seed))
	if w.oracle.hash == again.oracle.hash {
		return
	}
	t.Errorf("seed %d: two runs differ", seed)
	for i := range min(len(w.oracle.lines), len(again.oracle.lines)) {
		if a, b := w.oracle.lines[i], again.oracle.lines[i]; a != b {
			t.Errorf("line %d:\n%s\n%s", i, a, b)
			break
		}
	}
}

// history runs one and prints what is wrong.
func history(t *testing.T, seed uint64, c *config) (w *world) {
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, seed, c)
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
		test, _, _ := strings.Cut(t.Name(), "/")
		t.Errorf("seed %d failed; again, with its history: GODEBUG=asyncpreemptoff=1 GOMAXPROCS=1 go test ./sim -run '^%s$' -seed=%d -runs=1 -trace (with -count=20 if it passes)", seed, test, seed)
	}
	return w
}

func errorsTransient(err error) bool {
	return errors.Is(err, dynalock.ErrUnavailable) || errors.Is(err, dynalock.ErrThrottled) || errors.Is(err, os.ErrDeadlineExceeded)
}
