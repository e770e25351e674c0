package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// heldSizes are how many locks one client holds, each in a process of its own,
// all at the same time. The last is the one that figures are promised of.
var heldSizes = []int{1, 10, 50, 100, 200}

// A holding is what it cost to hold a number of locks.
type holding struct {
	locks   int
	moves   int     // writes of the first renewals: to the locks' own records
	started int     // and to the session's, meanwhile
	rate    float64 // writes a second in all, after that
	reads   float64 // a second, after that
	lost    int
}

// hold lets one client hold n locks for one and a half of their leases.
func (b *bench) hold(of contender, key string, n int, lease time.Duration) (h holding, err error) {
	p, err := newProxy(b.engine.URL, 0)
	if err != nil {
		return h, err
	}
	defer p.close()
	w, err := of.start(job{Kind: "many", URL: p.url, Table: table, Key: key, Count: n, Lease: lease})
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, w.kill()) }()
	if _, err := w.takeAll(); err != nil {
		return h, err
	}
	from := time.Now()
	moved, end := from.Add(lease*45/100), from.Add(lease*3/2)
	time.Sleep(time.Until(end))
	is, err := w.inventory()
	if err != nil {
		return h, err
	}
	first := p.between(from.UnixNano(), moved.UnixNano())
	then := p.between(moved.UnixNano(), end.UnixNano())
	return holding{
		locks: n, moves: first.writes - first.sessionWrites, started: first.sessionWrites,
		rate:  float64(then.writes) / end.Sub(moved).Seconds(),
		reads: float64(then.reads) / end.Sub(moved).Seconds(), lost: n - is.Locks,
	}, nil
}

// heldRow is about what it costs to hold locks.
func (b *bench) heldRow() ([]figure, error) {
	lease := dynalock.DefaultLiveLease
	if b.quick {
		lease = 2 * time.Second
	}
	kinds := []contender{library}
	if b.java != nil {
		kinds = append(kinds, b.java.contender())
	}
	got := make([][]holding, len(kinds))
	var all sync.WaitGroup
	errs := make(chan error, len(kinds)*len(heldSizes))
	for k, of := range kinds {
		got[k] = make([]holding, len(heldSizes))
		for i, n := range heldSizes {
			key := b.newKey("held")
			all.Go(func() {
				var err error
				if got[k][i], err = b.hold(of, key, n, lease); err != nil {
					errs <- fmt.Errorf("%s: %w", of.name, err)
				}
			})
		}
	}
	all.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return nil, err
	}
	b.held = got
	ours := got[0][len(heldSizes)-1]
	work := fmt.Sprintf("%d live locks of one client, lease %v, held %v: ", ours.locks, lease, lease*3/2)
	rate := func(h holding) float64 { return h.rate }
	var java []holding
	if len(got) > 1 {
		java = got[1][len(heldSizes)-1:]
	}
	b.log("  ours %+v, java %+v", got[0], java)
	return []figure{
		{work: work + "moves to the session, once", got: fmt.Sprintf("%d, and %d writes of the session", ours.moves, ours.started),
			wanted: "at most 200", met: ours.moves <= ours.locks},
		against(work+"then writes a second in all", "%.2f", rate, []holding{ours}, nil, java, "at most 0.3", ours.rate <= 0.3),
		against(work+"and reads a second", "%.2f", func(h holding) float64 { return h.reads }, []holding{ours}, nil, java, "", true),
		{work: work + "lost", got: fmt.Sprint(ours.lost), wanted: "0", met: ours.lost == 0},
	}, nil
}
