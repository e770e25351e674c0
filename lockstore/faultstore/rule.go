package faultstore

import (
	"context"
	"strings"
	"sync"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Op is a kind of request.
type Op int

// The kinds of requests; OpAny matches each of them.
const (
	OpAny Op = iota
	OpGet
	OpWrite
	OpScan
)

func (op Op) String() string {
	return [...]string{"any", "Get", "Write", "Scan"}[op]
}

// A Match says which requests a rule takes. Its zero value is all of them.
type Match struct {
	Op    Op                                       // OpAny: every kind
	Key   string                                   // of a scan: its prefix; empty: every key
	If    func(key string, w lockstore.Write) bool // a rule with it takes writes only
	Skip  int                                      // let so many matching requests pass first
	Times int                                      // then take so many; 0: all
}

func (m Match) fits(req request) bool {
	if m.Op != OpAny && m.Op != req.op || m.Key != "" && m.Key != req.key {
		return false
	}
	return m.If == nil || req.op == OpWrite && m.If(req.key, req.write)
}

// A Rule is a fault waiting for its requests. Make one with [Store.On].
type Rule struct {
	store *Store
	match Match
	fault Fault
	done  chan struct{}

	// Under store.mu. taken runs ahead of fired while a fault is under way.
	off                bool
	seen, taken, count int
}

// On makes the requests that match meet the fault.
func (s *Store) On(m Match, f Fault) *Rule {
	r := &Rule{store: s, match: m, fault: f, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, r)
	return r
}

// Fired returns how many requests have met the fault. A request counts from
// the moment at which the fault can be seen: where the fault applies the write
// first, once that is done; a blocked one, once it blocks.
func (r *Rule) Fired() int {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.count
}

// Done is closed when the rule has fired Match.Times times; without Times,
// when it has fired once.
func (r *Rule) Done() <-chan struct{} { return r.done }

// Off ends the rule. Requests that it has taken already go on as they would.
func (r *Rule) Off() {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.off = true
}

// Down makes every request meet the fault until [Store.Up]: [BlackHole] for a
// network that swallows everything, [Refuse] for one that says so.
func (s *Store) Down(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = &f
}

// Up ends an outage. Requests that were swallowed stay so.
func (s *Store) Up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = nil
}

// A meeting is one request's meeting with one fault.
type meeting struct {
	fault Fault
	hit   func()
}

// before puts the fault in front of next.
func (m meeting) before(next sender) sender {
	return func(ctx context.Context, c *call) answer {
		a := m.fault.run(ctx, c, m.hit, next)
		m.hit()
		return a
	}
}

// pick finds the faults that a request meets, outermost first, and their name
// for the log.
func (s *Store) pick(req request) ([]meeting, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, ""
	}
	if s.down != nil {
		return []meeting{{*s.down, func() {}}}, "down: " + s.down.name
	}
	var met []meeting
	var names []string
	var taker *meeting
	for _, r := range s.rules {
		if r.fault.passes || taker == nil {
			if !r.take(req) {
				continue
			}
			m := meeting{r.fault, sync.OnceFunc(r.fired)}
			names = append(names, r.fault.name)
			if r.fault.passes {
				met = append(met, m)
			} else {
				taker = &m
			}
		}
	}
	if taker != nil {
		return append(met, *taker), strings.Join(names, ", ")
	}
	for _, f := range s.random.faults(req) {
		met = append(met, meeting{f, func() {}})
		names = append(names, f.name)
	}
	return met, strings.Join(names, ", ")
}

// take needs store.mu.
func (r *Rule) take(req request) bool {
	spent := r.match.Times > 0 && r.taken >= r.match.Times
	if r.off || spent || !r.match.fits(req) || r.fault.fits != nil && !r.fault.fits(req) {
		return false
	}
	r.seen++
	if r.seen <= r.match.Skip {
		return false
	}
	r.taken++
	return true
}

func (r *Rule) fired() {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.count++
	if r.count == max(r.match.Times, 1) {
		close(r.done)
	}
}
