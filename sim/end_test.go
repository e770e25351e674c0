package sim

import (
	"context"
	"slices"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// run is one history.
func (w *world) run() {
	for _, m := range w.machines {
		w.start(m, true)
	}
	w.direct()
	if !w.oracle.failed() {
		w.calm()
	}
	if !w.oracle.failed() {
		w.allFree()
	}
	for _, m := range w.machines {
		if !m.process.dead.Load() {
			w.crash(m.process)
		}
		m.process.faults.Close()
	}
}

// calm ends all troubles and lets the users finish; then what was left behind
// has the time that it takes to be found.
func (w *world) calm() {
	w.oracle.note("all troubles end")
	w.mu.Lock()
	w.leaving = true
	w.mu.Unlock()
	done := make(chan struct{})
	for _, m := range w.machines {
		m.clock.thaw()
		if !m.process.dead.Load() {
			m.process.faults.Up()
			m.process.faults.Seed(0, faultstore.Rates{})
		}
	}
	go func() {
		for _, m := range w.machines {
			m.process.users.Wait()
		}
		close(done)
	}()
	for range 400 {
		time.Sleep(250 * time.Millisecond) // fake time: in a bubble
		w.oracle.tick()
		if closed(done) {
			break
		}
	}
	if !closed(done) {
		w.oracle.fail("a call does not end")
		return
	}
	time.Sleep(170 * time.Second) // fake time: in a bubble
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// allFree checks that nothing is left that nobody will end, and that every lock
// can be had.
func (w *world) allFree() {
	o := w.oracle
	o.judgeAll()
	o.mu.Lock()
	for _, key := range w.table.Keys() {
		r := w.table.Peek(key)
		n := live(r)
		t := o.tenures[n]
		if r != nil && slices.ContainsFunc(r.Queue, func(q lockstore.Waiter) bool { return !o.joined[q.ID].dead.Load() }) {
			o.wrong("somebody still stands in the queue: %s", show(key, r))
		}
		if n == "" || t == nil {
			continue
		}
		ends := r.Lease > 0 && r.Session == ""
		switch {
		case isSession(key) && !t.creator.dead.Load() && time.Since(t.written) < r.Lease:
			o.wrong("a session without locks goes on: %s", show(key, r))
		case r.Session != "" && live(w.table.Peek(r.Session)) != "" && time.Since(o.tenures[live(w.table.Peek(r.Session))].written) < maxLease:
			o.wrong("an orphan is kept alive: %s by %s", show(key, r), show(r.Session, w.table.Peek(r.Session)))
		case ends && time.Since(t.written) < r.Lease/2 && !(t.shared && w.config.has["wall"]):
			// (What a wrong wall clock promised, no handle of a shared tenure shortens.)
			o.wrong("a lock is still renewed: %s", show(key, r))
		case !ends && r.Session == "" && !t.creator.dead.Load() && !t.named:
			o.wrong("nobody ends a lock without an end: %s", show(key, r))
		}
	}
	o.mu.Unlock()
	m := &machine{name: "z", owner: "last", clock: newClock(0, 0), slow: time.Millisecond}
	p := w.start(m, false)
	w.machines = append(w.machines, m)
	p.faults.Seed(0, faultstore.Rates{})
	for _, key := range w.keys {
		w.ends(key)
		ctx, cancel := context.WithTimeout(context.Background(), w.oracle.left(key)+maxLease+40*time.Second)
		l, err := p.client.AcquireLock(ctx, key, dynalock.Wait())
		if err != nil {
			o.fail("at the end %s cannot be had: %v; %s", key, err, show(key, w.table.Peek(key)))
		} else if err := l.Release(ctx); err != nil {
			o.fail("at the end %s: %v", key, err)
		}
		cancel()
	}
}

// left is how long the lock of that key is promised to somebody.
func (o *oracle) left(key string) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.w.table.Peek(key)
	if t := o.tenures[live(r)]; t != nil { // whoever does not know the store's clock counts from first sight
		return max(time.Until(t.promised), r.Lease, 0)
	}
	return 0
}

// ends releases a lock without an end that a process left which is gone, as its
// owner does.
func (w *world) ends(key string) {
	r := w.table.Peek(key)
	if live(r) == "" || r.Lease > 0 || r.Session != "" {
		return
	}
	m := &machine{name: "y", owner: r.Owner, clock: newClock(0, 0), slow: time.Millisecond}
	p := w.start(m, false)
	p.faults.Seed(0, faultstore.Rates{})
	w.machines = append(w.machines, m)
	if ok, err := p.client.ReleaseLock(context.Background(), key); !ok {
		w.oracle.fail("by its owner's name: %v", err)
	}
}
