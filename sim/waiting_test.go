package sim

import (
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// An idleness is how long nobody has held a lock.
type idleness struct {
	since time.Time
	queue int           // the longest meanwhile
	lease time.Duration // that somebody may count from first sight
	seen  time.Time     // the last look
}

// tick looks at what time alone changes: who waits for a lock that nobody
// holds, and for how long.
func (o *oracle) tick() {
	o.judgeAll()
	waiting := o.w.waiting()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range o.w.keys {
		is := &idleness{since: time.Now()}
		before := o.idle[key]
		if before != nil && time.Since(before.seen) > time.Second {
			before = nil // somebody may have held it since
		}
		if before != nil && !o.taken(key, is) {
			is, is.queue, is.lease = before, max(before.queue, is.queue), max(before.lease, is.lease)
		}
		if r := o.w.table.Peek(key); r != nil {
			is.queue = max(is.queue, len(r.Queue))
		}
		is.seen, o.idle[key] = time.Now(), is
		for _, c := range waiting {
			from := laterOf(laterOf(is.since, c.began), c.p.calmFrom)
			if c.key != key || c.p.troubles > 0 || c.p.dead.Load() || c.ctx.Err() != nil {
				continue
			}
			if waited := time.Since(from); waited > o.bound(is, c.p) {
				o.wrong("%v has waited %v for %s, which nobody holds: %s", c.p, waited, key, show(key, o.w.table.Peek(key)))
				is.since = time.Now()
			}
		}
	}
}

// taken reports whether somebody holds the lock, or is promised it; o.mu is held.
func (o *oracle) taken(key string, is *idleness) bool {
	r := o.w.table.Peek(key)
	if r == nil || r.Released {
		return false
	}
	is.lease = r.Lease
	t, now := o.tenures[r.Nonce], time.Now()
	switch {
	case r.Ended:
		return now.Before(laterOf(r.Expires, r.Hold))
	case r.Session != "":
		s := o.w.table.Peek(r.Session)
		st := o.tenures[live(s)]
		if s != nil {
			is.lease = s.Lease
		}
		return st != nil && now.Before(st.written.Add(s.Lease)) // who has lost it does not renew it
	case r.Lease == 0:
		return true
	}
	return now.Before(laterOf(t.promised, r.Expires))
}

// bound is how long one may wait for a lock that nobody holds: those before it
// may be gone, and then each has a window; whoever does not know the store's
// clock counts the lease from first sight; and requests fail and travel.
func (o *oracle) bound(is *idleness, p *process) time.Duration {
	d := time.Duration(is.queue+1)*protocol.ClaimWindow + 2*o.w.margin + 6*time.Second + 60*p.slow
	if o.w.has["notime"] || p.watches {
		d += is.lease
	}
	if o.w.faulty || o.w.has["repeat"] {
		d += 10 * time.Second
	}
	return d
}

// waiting are the calls that wait without a limit but their context's.
func (w *world) waiting() (all []*call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.calls {
		if c.waits {
			all = append(all, c)
		}
	}
	return all
}

// inTurn checks that of the users of one process that wait, the first gets the
// lock first.
func (o *oracle) inTurn(got *call, others []*call) {
	if !got.waits || got.p.polls {
		return
	}
	for _, c := range others {
		if c.p == got.p && c.key == got.key && c.ctx.Err() == nil && c.began.Before(got.began.Add(-time.Second)) && c.waits {
			o.fail("%v: a user gets %s that waits since %s, before one that waits since %s", c.p, c.key, since(got.began), since(c.began))
		}
	}
}
