package wiretest

import "sync"

// A Gate holds a request until the test opens it.
type Gate struct {
	mu        sync.Mutex
	status    int
	arrived   chan struct{}
	open      chan struct{}
	delivered chan struct{}
}

// NewGate gives a closed one.
func NewGate() *Gate {
	return &Gate{arrived: make(chan struct{}), open: make(chan struct{}), delivered: make(chan struct{})}
}

// Arrived is closed when a request waits at the gate.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

// Delivered is closed when the engine has answered a late request.
func (g *Gate) Delivered() <-chan struct{} { return g.delivered }

// Status is that of the engine's answer to it.
func (g *Gate) Status() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status
}

// Open lets what waits go on, and whatever comes later. It may be repeated.
func (g *Gate) Open() { g.shut(g.open) }

func (g *Gate) arrive() { g.shut(g.arrived) }

func (g *Gate) deliver(status int) {
	g.mu.Lock()
	g.status = status
	g.mu.Unlock()
	g.shut(g.delivered)
}

// shut closes ch, once.
func (g *Gate) shut(ch chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-ch:
	default:
		close(ch)
	}
}
