package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// A death is what came after a holder was killed.
type death struct {
	after    time.Duration // from the kill to the next holder
	requests tally         // of a fresh process, until it held
	took     time.Duration // in the fresh process, from its call to the lock
}

// die kills a holder once it had the lock for that long. fresh: nobody waits,
// and another process asks once the lease is over; otherwise three wait.
func (b *bench) die(of contender, key string, lease, lived time.Duration, fresh bool) (d death, err error) {
	p, err := newProxy(b.engine.URL, 0)
	if err != nil {
		return d, err
	}
	defer p.close()
	j := job{Kind: "keep", URL: b.engine.URL, Table: table, Key: key, Lease: lease}
	holder, err := of.start(j)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, holder.kill()) }()
	if err := holder.tell("go"); err != nil {
		return d, err
	}
	got, err := holder.next()
	if err != nil {
		return d, err
	}
	var waiters crew
	defer func() { err = errors.Join(err, waiters.kill()) }()
	j.URL = p.url
	if !fresh {
		j.Kind, j.Count = "wait", 1
		if waiters, err = hire(3, func(int) (*process, error) { return of.start(j) }); err != nil {
			return d, err
		}
		if err := waiters.tell("go"); err != nil {
			return d, err
		}
	}
	time.Sleep(time.Until(time.Unix(0, got.Got).Add(lived)))
	killed := time.Now()
	if err := holder.kill(); err != nil {
		return d, err
	}
	if fresh {
		// Both clocks may be known to no better than a second and a half.
		time.Sleep(lease + 3*time.Second + 200*time.Millisecond)
		if waiters, err = hire(1, func(int) (*process, error) { return of.start(j) }); err != nil {
			return d, err
		}
		if err := waiters.tell("go"); err != nil {
			return d, err
		}
	}
	next, err := waiters.first()
	if err != nil {
		return d, err
	}
	return death{
		after: time.Unix(0, next.Got).Sub(killed), requests: p.between(next.Asked, next.Got), took: time.Duration(next.Got - next.Asked),
	}, nil
}

// first is the first of all grants, if each gets one.
func (c crew) first() (first grant, err error) {
	all, err := c.each(1)
	for i, g := range all {
		if i == 0 || g.Got < first.Got {
			first = g
		}
	}
	return first, err
}

// deadRow kills holders: one before its first renewal, and one whose lock was
// kept alive by its client's session.
func (b *bench) deadRow() ([]figure, error) {
	runs, lease := 3, 5*time.Second
	if b.quick {
		runs, lease = 1, 2*time.Second
	}
	// The first renewal comes after three tenths of the lease, or a little later.
	young, old := lease/10, lease*4/5
	cases := []struct {
		of    contender
		lived time.Duration
		fresh bool
		got   []death
	}{{of: library, lived: young}, {of: library, lived: old}, {of: library, lived: young, fresh: true}, {of: library, lived: old, fresh: true}}
	if b.java != nil {
		c := cases[2]
		c.of = b.java.contender()
		cases = append(cases, c)
		cases[len(cases)-1].lived = old
	}
	for range runs {
		var all sync.WaitGroup
		errs := make(chan error, len(cases))
		for i := range cases {
			c, key := &cases[i], b.newKey("dead")
			all.Go(func() {
				d, err := b.die(c.of, key, lease, c.lived, c.fresh)
				if err != nil {
					errs <- fmt.Errorf("%s, lived %v, fresh %v: %w", c.of.name, c.lived, c.fresh, err)
				}
				c.got = append(c.got, d)
			})
		}
		all.Wait()
		close(errs)
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	b.log("  %+v", cases)
	var java []death
	if len(cases) > 4 {
		java = cases[4].got
	}
	return []figure{
		awaited("holder killed before its first renewal, 3 wait: next holder after, s", cases[0].got, lease),
		awaited("holder killed whose session kept the lock, 3 wait: next holder after, s", cases[1].got, lease),
		asked("fresh process after the lease of a holder killed before its first renewal", cases[2].got, java, false),
		asked("fresh process after the lease of a holder whose session kept the lock", cases[3].got, java, true),
		tookOver("the same: from its call to the lock, ms", cases[3].got, java),
	}, nil
}

func seconds(d death) float64 { return d.after.Seconds() }

func awaited(work string, got []death, lease time.Duration) figure {
	most := 0.0
	for _, d := range got {
		most = max(most, seconds(d))
	}
	limit := lease + 2*time.Second
	return figure{
		work: work, got: fmt.Sprintf("%.2f, at most %.2f", median(got, seconds), most),
		wanted: fmt.Sprintf("at most the lease + 2 s = %.0f", limit.Seconds()), met: most <= limit.Seconds(),
	}
}

func asked(work string, got, java []death, session bool) figure {
	most := func(all []death, of func(tally) int) (n int) {
		for _, d := range all {
			n = max(n, of(d.requests))
		}
		return n
	}
	own := func(t tally) int { return t.writes + t.reads - t.sessionWrites - t.sessionReads }
	all := func(t tally) int { return t.writes + t.reads }
	f := figure{work: work + ": requests", got: fmt.Sprint(most(got, all)), wanted: "at most 2", met: most(got, own) <= 2}
	if session {
		f.got = fmt.Sprintf("%d, and %d for the session's record", most(got, own), most(got, all)-most(got, own))
		f.wanted = "at most 2 of the lock's record"
	}
	if len(java) > 0 {
		f.java = fmt.Sprint(most(java, all))
		f.javaRatio = ratio(float64(most(got, all)), float64(most(java, all)))
	}
	return f
}

func tookOver(work string, got, java []death) figure {
	return against(work, "%.0f", func(d death) float64 { return ms(d.took) }, got, nil, java, "", true)
}
