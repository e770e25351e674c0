package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kmdeveloping/dynalock"
)

const (
	herdProcesses = 4
	herdJoin      = 2 * time.Second // until all stand in line, and have said so
)

// herdRow is scenario B6: many wait for one lock for long, and then get it one
// after the other.
func (b *bench) herdRow() ([]figure, error) {
	each, long := 50, 10*time.Second
	if b.quick {
		each, long = 5, 2500*time.Millisecond
	}
	p, err := newProxy(b.engine.URL, 0)
	if err != nil {
		return nil, err
	}
	defer p.close()
	key := b.newKey("herd")
	// The holder does not use the proxy: only the waiters are counted.
	holder := newLibrary(b.db, table, false)
	l, err := holder.AcquireLock(b.ctx, key, dynalock.WithLease(time.Minute), dynalock.KeepAlive())
	if err != nil {
		return nil, err
	}
	workers, err := hire(herdProcesses, func(who int) (*process, error) {
		return start(job{Kind: "wait", Who: who, URL: p.url, Table: table, Key: key, Hold: 5 * time.Millisecond, Count: each, Period: 20 * time.Millisecond})
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = workers.kill() }()
	began := time.Now()
	if err := workers.tell("go"); err != nil {
		return nil, err
	}
	time.Sleep(herdJoin)
	cpu, err := workers.cpu()
	if err != nil {
		return nil, err
	}
	waiting := time.Now()
	time.Sleep(time.Until(began.Add(long)))
	now := time.Now()
	later, err := workers.cpu()
	if err != nil {
		return nil, err
	}
	joined, held := p.between(0, waiting.UnixNano()), p.between(waiting.UnixNano(), now.UnixNano())
	freed := time.Now()
	if err := l.Release(b.ctx); err != nil {
		return nil, err
	}
	grants, err := workers.each(each)
	if err != nil {
		return nil, err
	}
	served := p.since(freed.UnixNano())
	h := herd{
		all: herdProcesses * each, joined: joined, held: held, served: served,
		waited: now.Sub(waiting), cpu: (later - cpu) / now.Sub(waiting).Seconds(),
	}
	return h.figures(b, grants, freed), nil
}

// A herd is what was seen of the waiters.
type herd struct {
	all                  int
	joined, held, served tally
	waited               time.Duration
	cpu                  float64 // cores
}

func (h herd) figures(b *bench, grants []grant, freed time.Time) []figure {
	slices.SortFunc(grants, func(a, b grant) int { return int(a.Got - b.Got) })
	out, twice := 0, 0
	next := make([]int, herdProcesses)
	for i, g := range grants {
		if g.N != next[g.Who] {
			out++
		}
		next[g.Who] = g.N + 1
		if i > 0 && g.Got < grants[i-1].Released {
			twice++
		}
	}
	took := time.Duration(grants[len(grants)-1].Done - freed.UnixNano())
	n := float64(h.all)
	b.log("  joining %+v, held %+v, hand-overs %+v in %v, longest run %d", h.joined, h.held, h.served, took, longestRun(grants))
	work := fmt.Sprintf("%d waiters in %d processes: ", h.all, herdProcesses)
	refused := float64(h.served.refusedWrites) / n
	return []figure{
		{work: work + "writes to begin with", got: fmt.Sprintf("%d", h.joined.writes)},
		{work: fmt.Sprintf("%swrites while held, for %.0f s", work, h.waited.Seconds()), got: fmt.Sprint(h.held.writes), wanted: "0", met: h.held.writes == 0},
		{work: work + "reads a second while held", got: fmt.Sprintf("%.1f", float64(h.held.reads)/h.waited.Seconds()), wanted: "at most 200", met: float64(h.held.reads)/h.waited.Seconds() <= 200},
		{work: work + "CPU of all of them while held", got: fmt.Sprintf("%.2f %% of a core", 100*h.cpu), wanted: "under 5 %", met: h.cpu < 0.05},
		{work: work + "served, and out of their process's order", got: fmt.Sprintf("%d, %d", len(grants), out), wanted: fmt.Sprintf("%d, 0", h.all), met: len(grants) == h.all && out == 0},
		{work: work + "two at once", got: fmt.Sprint(twice), wanted: "0", met: twice == 0},
		{work: work + "in a row in one process while others wait, at most", got: fmt.Sprint(longestRun(grants)), wanted: "at most 17", met: longestRun(grants) <= 17},
		{work: work + "refused writes a hand-over", got: fmt.Sprintf("%.2f", refused), wanted: "at most 4", met: refused <= 4},
		{work: work + "requests a hand-over", got: fmt.Sprintf("%.2f writes, %.2f reads", float64(h.served.writes)/n, float64(h.served.reads)/n)},
		{work: work + "time for all hand-overs, each held 5 ms", got: took.Round(10 * time.Millisecond).String()},
	}
}

// each awaits n grants of every worker.
func (c crew) each(n int) (all []grant, err error) {
	for _, p := range c {
		for range n {
			g, err := p.next()
			if err != nil {
				return nil, err
			}
			all = append(all, g)
		}
	}
	return all, nil
}

// cpu is what all of them have used, in seconds.
func (c crew) cpu() (seconds float64, err error) {
	for _, p := range c {
		s, e := p.cpu()
		seconds, err = seconds+s, errors.Join(err, e)
	}
	return seconds, err
}
