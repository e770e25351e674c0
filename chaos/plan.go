package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Kinds of rounds, and stores.
const (
	kindHistories = "histories"
	kindCrashes   = "crashes"
	kindNamed     = "named"

	storeDynoxide = "dynoxide"
	storeSQLite   = "sqlite"
)

// A plan is all that a round's seed decides, but for what the workers do.
type plan struct {
	seed       uint64
	kind       string
	store      string
	lasts      time.Duration
	processes  int
	goroutines int
	keys       []string
	deleting   string
	faults     float64 // share of requests that meet one
	acts       [][]act // by process; the last are the engine's
	broken     string  // how the SQLite store is broken, in tests
}

// What is done to a process, or to the engine.
const (
	doKill   = "kill"
	doStop   = "stop"
	doCut    = "cut"
	doEngine = "engine"
)

// An act is done at a time, or as soon after it as a request is where it is
// wanted, and undone after a while.
type act struct {
	at    time.Duration
	do    string
	when  moment
	lasts time.Duration
}

// patience is how long an act waits for a request.
const patience = time.Second

// newPlan draws a round.
func newPlan(seed uint64, kind, store string, lasts time.Duration) *plan {
	rng := rand.New(rand.NewPCG(seed, 7))
	p := &plan{
		seed: seed, kind: kind, store: store, lasts: lasts,
		processes: 3 + rng.IntN(3), goroutines: 3 + rng.IntN(4),
		deleting: "d", keys: []string{"d"},
	}
	for n := range 2 + rng.IntN(7) {
		p.keys = append(p.keys, fmt.Sprint("k", n))
	}
	switch kind {
	case kindCrashes:
		p.faults = pick(rng, 0, 0, 0.02)
		for range p.processes {
			p.acts = append(p.acts, p.drawActs(rng))
		}
		if store == storeDynoxide {
			p.acts = append(p.acts, p.drawOutages(rng))
		}
	default: // one in four without a fault: every refusal and every loss is judged there
		p.faults = pick(rng, 0, 0.02, 0.05, 0.15)
	}
	return p
}

// quiet is the time at the end in which nothing is done any more.
const quiet = 2 * time.Second

// drawActs are what befalls one process. Stops take from a moment to three
// leases, which is when nothing is left to wait for.
func (p *plan) drawActs(rng *rand.Rand) (acts []act) {
	for at := between(rng, 500*time.Millisecond, 3*time.Second); ; {
		a := act{at: at, do: pick(rng, doKill, doStop, doStop, doStop, doCut)}
		if p.store == storeSQLite && a.do == doCut {
			a.do = doStop
		}
		if a.when = pick(rng, atAny, atArrival, atAnswer, atRead, atRead); p.store == storeSQLite && a.when != atAny {
			a.when = atRead // it has no other requests
		}
		a.lasts = pick(rng, between(rng, 50*time.Millisecond, 500*time.Millisecond),
			between(rng, 500*time.Millisecond, 2*time.Second), between(rng, time.Second, 6*time.Second))
		if a.do == doStop && a.when == atRead { // for somebody else to take the lock meanwhile
			a.lasts = between(rng, 2*time.Second, 6*time.Second)
		}
		if at += a.lasts + patience + between(rng, 200*time.Millisecond, 3*time.Second); at > p.lasts-quiet {
			return acts
		}
		acts = append(acts, a)
	}
}

func (p *plan) drawOutages(rng *rand.Rand) (acts []act) {
	for at := between(rng, 2*time.Second, 15*time.Second); ; {
		a := act{at: at, do: doEngine, lasts: pick(rng, 0, between(rng, 0, time.Second), between(rng, 0, 4*time.Second))}
		if at += a.lasts + between(rng, 3*time.Second, 15*time.Second); at > p.lasts-quiet {
			return acts
		}
		acts = append(acts, a)
	}
}

func (p *plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s on %s, %v, %d processes of %d goroutines, keys %s, %.0f %% of requests meet faults\n",
		p.seed, p.kind, p.store, p.lasts, p.processes, p.goroutines, strings.Join(p.keys, " "), 100*p.faults)
	for i, acts := range p.acts {
		for _, a := range acts {
			fmt.Fprintf(&b, "  %8v process %d: %s for %v, %v\n", a.at.Round(time.Millisecond), i, a.do, a.lasts.Round(time.Millisecond), a.when)
		}
	}
	return b.String()
}

func (m moment) String() string {
	return [...]string{"at any moment", "when a request arrives", "before an answer", "after a read of a register"}[m]
}
