package sim

import (
	"context"
	"slices"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// An event is what the director has in mind for later.
type event struct {
	at time.Time
	do func()
}

// direct lets time go by, and befalls machines and locks with troubles.
func (w *world) direct() {
	end := time.Now().Add(w.length)
	var later []event
	for time.Now().Before(end) && !w.oracle.failed() {
		time.Sleep(between(w.rng, .02, .25)) // fake time: in a bubble
		for i := 0; i < len(later); i++ {
			if !time.Now().Before(later[i].at) {
				later[i].do()
				later = slices.Delete(later, i, i+1)
				i--
			}
		}
		// Drawn always, so that what is turned off changes nothing else.
		which, m, d := w.rng.IntN(len(troubles)), w.machines[w.rng.IntN(len(w.machines))], between(w.rng, .1, 10)
		if w.rng.Float64() < w.troubles {
			is := troubles[which]
			if w.has[is.kind] {
				if after := is.begin(w, m, d); after != nil {
					later = append(later, event{time.Now().Add(d), after})
				}
			}
		}
		w.oracle.tick()
	}
	for _, e := range later {
		e.do()
	}
}

// A trouble begins, and what it gives ends it.
type trouble struct {
	kind  string
	begin func(w *world, m *machine, d time.Duration) (end func())
}

var troubles = []trouble{
	{"outage", (*world).outage},
	{"freeze", func(w *world, m *machine, d time.Duration) func() { return w.freeze(m, false) }},
	{"suspend", func(w *world, m *machine, d time.Duration) func() { return w.freeze(m, true) }},
	{"wall", (*world).jump},
	{"crash", (*world).restart},
	{"close", (*world).reopen},
	{"ttl", (*world).sweep},
	{"hand", (*world).remove},
	{"force", (*world).force},
}

// outage makes the store unreachable for one machine or for all.
func (w *world) outage(m *machine, d time.Duration) func() {
	hit := []*machine{m}
	if w.rng.IntN(2) == 0 {
		hit = slices.Clone(w.machines)
	}
	fault := []faultstore.Fault{faultstore.Refuse(), faultstore.BlackHole(), faultstore.Throttle(), faultstore.BlackHoleApplied()}[w.rng.IntN(4)]
	var procs []*process
	for _, m := range hit {
		w.trouble(m, true)
		m.process.faults.Down(fault)
		procs = append(procs, m.process)
	}
	w.oracle.note("outage of %v: %v", procs, fault)
	return func() {
		w.oracle.note("outage of %v ends", procs)
		for i, m := range hit {
			procs[i].faults.Up()
			w.trouble(m, false)
		}
	}
}

// freeze stops a machine, and judges it when it goes on. A suspension only
// where the wall clock has been right for longer than any lease: a wall clock
// that is set back hides how long the other one stood still, which is more than
// the protocol promises to survive.
func (w *world) freeze(m *machine, suspend bool) func() {
	p := m.process
	if m.clock.standsStill() || m.changing || suspend && time.Since(m.clockAt) < 30*time.Second && !m.clockAt.IsZero() {
		return nil
	}
	w.trouble(m, true)
	w.oracle.mu.Lock() // nobody asks it meanwhile
	m.clock.freeze(suspend)
	w.oracle.tracef("%v stands still, suspended: %v", p, suspend)
	w.oracle.mu.Unlock()
	return func() {
		w.oracle.note("%v goes on", p)
		m.clock.thaw()
		w.oracle.judgeAll()
		if suspend {
			m.clockAt = time.Now()
		}
		w.trouble(m, false)
	}
}

// jump sets a wall clock.
func (w *world) jump(m *machine, d time.Duration) func() {
	by := between(w.rng, -60, 60)
	if w.rng.IntN(3) == 0 {
		by *= 60
	}
	if m.clock.standsStill() || !m.clockAt.IsZero() && time.Since(m.clockAt) < 30*time.Second {
		return nil
	}
	m.clockAt = time.Now()
	w.trouble(m, true)
	w.oracle.note("%v: the wall clock jumps to %v ahead", m.process, by)
	m.clock.setWall(by)
	return func() {
		w.trouble(m, false)
	}
}

// restart crashes a process and starts it again, with the same owner name.
func (w *world) restart(m *machine, d time.Duration) func() {
	if m.changing {
		return nil
	}
	m.changing = true
	w.trouble(m, true)
	w.crash(m.process)
	return func() {
		w.trouble(m, false)
		w.again(m)
	}
}

// again starts a process that looks for what the former one left without an
// end: nobody else would end it.
func (w *world) again(m *machine) {
	p := w.start(m, true)
	m.changing = false
	w.oracle.note("%v starts, as %q", p, m.owner)
	u := w.user(p)
	p.users.Go(func() {
		for _, key := range w.keys {
			u.recover(key)
		}
	})
}

// recover resumes or releases a lock of the same owner that has no end.
func (u *user) recover(key string) {
	for u.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(context.WithValue(u.ctx, byKey{}, true), 10*time.Second)
		info, err := u.p.client.GetLock(ctx, key)
		if err == nil && info.Owner == u.p.owner && info.State == dynalock.StateHeld && info.Lease == 0 {
			_, err = u.p.client.ReleaseLock(ctx, key)
		}
		u.judge(ctx, "recover", err)
		cancel()
		if err == nil || !errorsTransient(err) {
			return
		}
		u.sleep(between(u.rng, .1, 1))
	}
}

// reopen closes a client as a process does that ends in good order.
func (w *world) reopen(m *machine, d time.Duration) func() {
	p := m.process
	if m.changing || p.frozen() {
		return nil
	}
	m.changing = true
	w.trouble(m, true)
	w.oracle.note("%v closes", p)
	p.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = p.client.Close(ctx)
	}()
	return func() {
		<-done
		w.oracle.judgeAll()
		p.dead.Store(true)
		p.net.kill()
		p.users.Wait()
		w.trouble(m, false)
		w.again(m)
	}
}

// sweep is the table's item expiry.
func (w *world) sweep(*machine, time.Duration) func() {
	for _, key := range w.table.Keys() {
		w.oracle.mu.Lock()
		r := w.table.Peek(key)
		t := w.oracle.tenures[live(r)]
		// A client that knows nothing yet of the store's clock goes by its own.
		mistaken := (w.has["wall"] || w.has["notime"]) && t != nil && time.Now().Before(t.written.Add(r.Lease))
		if !r.TTL.IsZero() && r.TTL.Before(time.Now()) && !mistaken {
			w.table.Remove(key)
			w.oracle.tracef("the table expires %s", show(key, r))
			w.oracle.removed(key, r, false)
		}
		w.oracle.mu.Unlock()
	}
	return nil
}

// remove deletes an item by hand.
func (w *world) remove(*machine, time.Duration) func() {
	key := w.keys[w.rng.IntN(len(w.keys))]
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	if r := w.table.Peek(key); r != nil {
		w.table.Remove(key)
		w.oracle.tracef("somebody deletes %s", show(key, r))
		w.oracle.removed(key, r, true)
	}
	return nil
}

// force is an operator at the machine.
func (w *world) force(m *machine, _ time.Duration) func() {
	p, key := m.process, w.keys[w.rng.IntN(len(w.keys))]
	u := w.user(p)
	if p.dead.Load() {
		return nil
	}
	p.users.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithValue(u.ctx, byKey{}, true), 10*time.Second)
		defer cancel()
		info, err := p.client.GetLock(ctx, key)
		if err == nil && info.State != dynalock.StateReleased {
			_, err = p.client.ForceRelease(ctx, key, info.Token)
		}
		u.judge(ctx, "force", err)
	})
	return nil
}
