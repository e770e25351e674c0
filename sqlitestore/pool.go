package sqlitestore

import (
	"context"
	"errors"
	"sync"
)

// maxConns is how many connections a store opens at most; one of them can
// write at a time.
const maxConns = 4

// errClosed is the cause of a call on a closed store.
var errClosed = errors.New("the store is closed")

// A pool gives each call a connection. SQLite lets one connection write, and
// the others can only ask again: within a process they stand in line instead.
type pool struct {
	slots chan struct{} // one for each connection in use
	line  chan struct{} // holds whoever writes

	mu     sync.Mutex
	idle   []*worker
	closed bool
	calls  sync.WaitGroup // of those that entered
}

// A worker is a goroutine with a connection. SQLite cannot be interrupted while
// it waits for the disk, so it does not run in the callers' goroutines, which
// may have to go on; nor in a new one for each call, whose small stack would
// grow each time (a third of the cost of a read).
type worker struct {
	jobs   chan func(*worker)
	conn   *conn // nil: none yet, or the last one broke
	closed chan error
}

func newPool() pool {
	return pool{slots: make(chan struct{}, maxConns), line: make(chan struct{}, 1)}
}

// enter waits until the call may have a connection. leave ends it.
func (p *pool) enter(ctx context.Context, writes bool) error {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.calls.Add(1)
	}
	p.mu.Unlock()
	if closed {
		return errClosed
	}
	if writes && !push(ctx, p.line) {
		p.calls.Done()
		return ended(ctx)
	}
	if !push(ctx, p.slots) {
		if writes {
			<-p.line
		}
		p.calls.Done()
		return ended(ctx)
	}
	return nil
}

func (p *pool) leave(writes bool) {
	<-p.slots
	if writes {
		<-p.line
	}
	p.calls.Done()
}

// push reports whether there was room before ctx ended.
func push(ctx context.Context, c chan struct{}) bool {
	select {
	case c <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// take gives the worker that was idle for the shortest time, or a new one.
func (p *pool) take() *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return w
	}
	w := &worker{jobs: make(chan func(*worker), 1), closed: make(chan error, 1)}
	go w.work()
	return w
}

// put is called by the worker itself, before it looks for its next job.
func (p *pool) put(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, w)
}

func (w *worker) work() {
	for job := range w.jobs {
		job(w)
	}
	w.closed <- w.conn.close()
}

// close waits for the calls that entered, then for the workers.
func (p *pool) close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.calls.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, w := range p.idle {
		close(w.jobs)
		errs = append(errs, <-w.closed)
	}
	p.idle = nil
	return errors.Join(errs...)
}
