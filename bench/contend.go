package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	crowd  = 8  // processes that want one key
	jainOf = 80 // grants in a row that have to be shared out evenly
)

// A contest is one run of the crowd.
type contest struct {
	rate          float64 // grants a second
	writes        float64 // each
	weak, strong  float64 // reads each
	p50, p99      time.Duration
	jain          float64 // least of any jainOf grants in a row
	handOver      time.Duration
	grants        int
	waits         []time.Duration
	longestRun    int // grants of one process in a row
	refusedWrites float64
}

// contend lets the crowd take turns at one key for that long, after a warm-up.
func (b *bench) contend(of contender, delay, hold, warm, long time.Duration) (c contest, err error) {
	p, err := newProxy(b.engine.URL, delay)
	if err != nil {
		return c, err
	}
	defer p.close()
	key := b.newKey("crowd")
	workers, err := hire(crowd, func(who int) (*process, error) {
		return of.start(job{Kind: "loop", Who: who, URL: p.url, Table: table, Key: key, Hold: hold, Polls: of.polls})
	})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, workers.kill()) }()
	if err := workers.tell("go"); err != nil {
		return c, err
	}
	time.Sleep(warm + of.warm)
	from := time.Now().UnixNano()
	time.Sleep(long)
	to := time.Now().UnixNano()
	all, err := workers.grants()
	if err != nil {
		return c, err
	}
	return judge(all, p.between(from, to), from, to)
}

// judge takes the figures of a run from the time in which all were active.
func judge(all []grant, sent tally, from, to int64) (c contest, err error) {
	slices.SortFunc(all, func(a, b grant) int { return int(a.Got - b.Got) })
	for i := 1; i < len(all); i++ {
		if all[i].Got < all[i-1].Released {
			return c, fmt.Errorf("two held the lock at once: process %d and process %d", all[i-1].Who, all[i].Who)
		}
	}
	in := make([]grant, 0, len(all))
	var overs []time.Duration
	for i, g := range all {
		if g.Got < from || g.Got >= to {
			continue
		}
		in = append(in, g)
		c.waits = append(c.waits, time.Duration(g.Got-g.Asked))
		if i > 0 {
			overs = append(overs, time.Duration(g.Got-all[i-1].Released))
		}
	}
	if len(in) == 0 {
		return c, errors.New("nobody got the lock while it was measured")
	}
	n := float64(len(in))
	c.grants = len(in)
	c.rate = n / time.Duration(to-from).Seconds()
	c.writes, c.refusedWrites = float64(sent.writes)/n, float64(sent.refusedWrites)/n
	c.strong, c.weak = float64(sent.strong)/n, float64(sent.reads-sent.strong)/n
	c.p50, c.p99 = quantile(c.waits, 0.5), quantile(c.waits, 0.99)
	c.handOver = quantile(overs, 0.5)
	c.jain = leastJain(in, crowd)
	c.longestRun = longestRun(in)
	return c, nil
}

// leastJain is Jain's index of fairness, (sum of x)² / (n sum of x²) over how
// often each of n was served, at its least over any jainOf grants in a row.
// 1: evenly; 1/n: one of them had all. NaN: there were too few.
func leastJain(grants []grant, n int) float64 {
	if len(grants) < jainOf {
		return math.NaN()
	}
	least := 1.0
	counts := make([]int, n)
	for i, g := range grants {
		counts[g.Who]++
		if i >= jainOf {
			counts[grants[i-jainOf].Who]--
		}
		if i < jainOf-1 {
			continue
		}
		squares := 0
		for _, x := range counts {
			squares += x * x
		}
		least = min(least, float64(jainOf*jainOf)/float64(n*squares))
	}
	return least
}

func longestRun(grants []grant) (longest int) {
	run := 0
	for i, g := range grants {
		if run++; i > 0 && grants[i-1].Who != g.Who {
			run = 1
		}
		longest = max(longest, run)
	}
	return longest
}

// crowdRow compares the queue with polling, in turns.
func (b *bench) crowdRow() ([]figure, error) {
	runs, warm, long := 5, time.Second, 4*time.Second
	if b.quick {
		runs, warm, long = 1, 300*time.Millisecond, 700*time.Millisecond
	}
	got, err := b.turns(runs, func(of contender) (contest, error) {
		return b.contend(of, 0, time.Millisecond, warm, long)
	})
	if err != nil {
		return nil, err
	}
	b.crowd = got
	q, p, j := got["queue"], got["polling"], got["java"]
	const work = "8 processes, one key, held 1 ms: "
	rates := func(c contest) float64 { return c.rate }
	writes := func(c contest) float64 { return c.writes }
	weak := func(c contest) float64 { return c.weak }
	strong := func(c contest) float64 { return c.strong }
	p50 := func(c contest) float64 { return ms(c.p50) }
	p99 := func(c contest) float64 { return ms(c.p99) }
	jain := func(c contest) float64 { return c.jain }
	tail := func(c contest) float64 { return ms(c.p99) / ms(c.p50) }
	return []figure{
		against(work+"grants a second", "%.0f", rates, q, p, j, "at least polling's", median(q, rates) >= median(p, rates)),
		against(work+"writes each", "%.2f", writes, q, p, j, "at most 2.3", median(q, writes) <= 2.3),
		against(work+"eventually consistent reads each", "%.2f", weak, q, p, j, "at most 4", median(q, weak) <= 4),
		against(work+"consistent reads each", "%.2f", strong, q, p, j, "", true),
		against(work+"wait, p50, ms", "%.1f", p50, q, p, j, "", true),
		against(work+"wait, p99, ms", "%.1f", p99, q, p, j, "", true),
		against(work+"p99 of the wait / its p50", "%.2f", tail, q, p, j, "at most 2", median(q, tail) <= 2),
		against(work+"Jain's index, least of any 80 grants in a row", "%.3f", jain, q, p, j, "at least 0.98", median(q, jain) >= 0.98),
	}, nil
}

// handOverRow is the crowd at the distance that a real table has.
func (b *bench) handOverRow() ([]figure, error) {
	runs, warm, long := 3, time.Second, 5*time.Second
	if b.quick {
		runs, warm, long = 1, 300*time.Millisecond, 700*time.Millisecond
	}
	trip, err := b.roundTrip(realDelay)
	if err != nil {
		return nil, err
	}
	got, err := b.turns(runs, func(of contender) (contest, error) {
		return b.contend(of, realDelay, 20*time.Millisecond, warm, long)
	})
	if err != nil {
		return nil, err
	}
	b.far, b.trip = got, trip
	q, p, j := got["queue"], got["polling"], got["java"]
	trips := func(c contest) float64 { return float64(c.handOver) / float64(trip) }
	const work = "8 processes, 3 ms more a round trip, held 20 ms: "
	return []figure{
		against(work+"hand-over, median, in round trips of "+fmt.Sprintf("%.2f ms", ms(trip)), "%.2f", trips, q, p, j, "at most 2.5", median(q, trips) <= 2.5),
		against(work+"grants a second", "%.1f", func(c contest) float64 { return c.rate }, q, p, j, "", true),
		against(work+"writes each", "%.2f", func(c contest) float64 { return c.writes }, q, p, j, "", true),
		against(work+"eventually consistent reads each", "%.2f", func(c contest) float64 { return c.weak }, q, p, j, "", true),
	}, nil
}

// turns lets the contenders run one after the other, over and over, so that
// what else the machine does meets all of them.
func (b *bench) turns(runs int, run func(contender) (contest, error)) (map[string][]contest, error) {
	got := map[string][]contest{}
	for range runs {
		for _, of := range b.contenders() {
			c, err := run(of)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", of.name, err)
			}
			b.log("  %-8s %6.1f grants/s, %.2f writes (%.2f refused), %.2f + %.2f reads each, wait p50 %.1f ms, p99 %.1f ms, Jain %.3f, hand-over %.2f ms",
				of.name, c.rate, c.writes, c.refusedWrites, c.weak, c.strong, ms(c.p50), ms(c.p99), c.jain, ms(c.handOver))
			got[of.name] = append(got[of.name], c)
		}
	}
	return got, nil
}
