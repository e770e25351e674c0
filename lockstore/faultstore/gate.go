package faultstore

import (
	"context"
	"sync"
)

// A Gate stops requests at an exact point until the test opens it. It opens
// once, for all; use one Gate for one rule.
type Gate struct {
	arrive  func()
	arrived chan struct{}
	opened  chan struct{}

	mu   sync.Mutex
	open bool
	late []func()
}

// NewGate returns a closed gate.
func NewGate() *Gate {
	g := &Gate{arrived: make(chan struct{}), opened: make(chan struct{})}
	g.arrive = sync.OnceFunc(func() { close(g.arrived) })
	return g
}

// Arrived is closed when the first request stands at the gate.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

// Open lets everything through, now and later. When it returns, the requests
// of [Gate.Late] have been carried out.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return
	}
	g.open = true
	for _, deliver := range g.late {
		deliver()
	}
	close(g.opened)
}

// Before stops requests before they reach the store. One whose context ends
// there is lost, and its caller cannot know.
func (g *Gate) Before() Fault {
	return Fault{name: "gate before", run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		hit()
		if err := g.pass(ctx, c.s); err != nil {
			return c.ended(err, true)
		}
		return next(ctx, c)
	}}
}

// After stops answers: the request has been carried out.
func (g *Gate) After() Fault {
	return Fault{name: "gate after", run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		a := next(ctx, c)
		hit()
		if err := g.pass(ctx, c.s); err != nil {
			return c.ended(err, true)
		}
		return a
	}}
}

// Late stops requests before they reach the store, also those whose caller
// gives up: its call returns at once with the outcome unknown, and the request
// is still carried out when the gate opens.
func (g *Gate) Late() Fault {
	return Fault{name: "gate late", run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		late := c.detached()
		got := make(chan answer, 1)
		through := g.queue(func() { got <- next(c.s.ctx, late) })
		hit()
		if through {
			return next(ctx, c)
		}
		g.arrive()
		return c.await(ctx, got)
	}}
}

// queue leaves deliver to Open, or reports that the gate is open already.
func (g *Gate) queue(deliver func()) (through bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		g.late = append(g.late, deliver)
	}
	return g.open
}

func (g *Gate) pass(ctx context.Context, s *Store) error {
	g.arrive()
	select {
	case <-g.opened:
		return nil
	default:
	}
	select {
	case <-g.opened:
		return nil
	case <-s.ctx.Done():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
