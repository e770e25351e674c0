package faultstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// ErrInjected is the cause of every failure that this package makes up.
var ErrInjected = errors.New("injected by faultstore")

// Store is a store with faults. Make one with [New].
type Store struct {
	inner   lockstore.Store
	history *History
	ctx     context.Context // of background deliveries; ends with Close
	cancel  context.CancelFunc

	mu      sync.Mutex
	rules   []*Rule
	down    *Fault
	random  *random
	counts  Counts
	log     []*Entry
	timers  map[*time.Timer]struct{}
	pending int
	idle    chan struct{} // closed when pending falls to 0
}

var _ lockstore.Store = (*Store)(nil)

// An Option changes how a [Store] is made.
type Option func(*Store)

// WithHistory shares the history that stale reads are answered from. Clients
// with a Store of their own on one table share one History; by default each
// Store remembers only the writes that passed through itself.
func WithHistory(h *History) Option {
	return func(s *Store) { s.history = h }
}

// New wraps inner, with no faults yet.
func New(inner lockstore.Store, opts ...Option) *Store {
	s := &Store{inner: inner, history: NewHistory(), timers: map[*time.Timer]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Info is the wrapped store's.
func (s *Store) Info() lockstore.Info { return s.inner.Info() }

// Get reads the record under key, with whatever fault matches.
func (s *Store) Get(ctx context.Context, key string, read lockstore.Consistency) (lockstore.Result, error) {
	a := s.serve(ctx, request{op: OpGet, key: key, read: read})
	return a.result, a.err
}

// Write applies w to the record under key, with whatever fault matches.
func (s *Store) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	a := s.serve(ctx, request{op: OpWrite, key: key, write: w})
	return a.result, a.err
}

// Scan reads one page, with whatever fault matches.
func (s *Store) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	a := s.serve(ctx, request{op: OpScan, key: q.Prefix, query: q})
	return a.page, a.err
}

// A request is what a client asked; an answer what it gets.
type request struct {
	op    Op
	key   string // a scan's prefix
	read  lockstore.Consistency
	write lockstore.Write
	query lockstore.Query
}

type answer struct {
	result lockstore.Result
	page   lockstore.Page
	err    error
}

// A call is one request on its way, and its line in the log.
type call struct {
	s     *Store
	req   request
	entry *Entry
}

// A sender passes a call on, to the next fault or to the store.
type sender func(context.Context, *call) answer

func (s *Store) serve(ctx context.Context, req request) answer {
	c := &call{s: s, req: req}
	if err := ctx.Err(); err != nil {
		return c.ended(err, false)
	}
	faults, name := s.pick(req)
	c.entry = s.begin(req, name)
	send := sender(deliver)
	for i := len(faults) - 1; i >= 0; i-- {
		send = faults[i].before(send)
	}
	a := send(ctx, c)
	s.end(c.entry, a.err)
	return a
}

// deliver is the last sender: it asks the wrapped store.
func deliver(ctx context.Context, c *call) (a answer) {
	s, req := c.s, c.req
	switch req.op {
	case OpGet:
		a.result, a.err = s.inner.Get(ctx, req.key, req.read)
	case OpWrite:
		a.result, a.err = s.inner.Write(ctx, req.key, req.write)
	case OpScan:
		a.page, a.err = s.inner.Scan(ctx, req.query)
	}
	s.history.note(req, a)
	s.delivered(c.entry, req.op, a)
	return a
}

// fail makes the answer of a call that failed. Only a write can be unknown.
func (c *call) fail(kind, cause error, unknown bool) answer {
	return answer{err: &lockstore.Error{
		Kind:    kind,
		Op:      c.req.op.String(),
		Scope:   c.s.inner.Info().Scope,
		Unknown: unknown && c.req.op == OpWrite,
		Err:     cause,
	}}
}

func (c *call) ended(err error, unknown bool) answer {
	return c.fail(lockstore.ErrUnavailable, err, unknown)
}
