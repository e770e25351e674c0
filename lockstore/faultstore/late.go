package faultstore

import (
	"context"
	"fmt"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Late lets the request reach the store only after d, also if the caller gave
// up meanwhile: its call then returns at once, with the outcome unknown.
func Late(d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("late(%v)", d), run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		late := c.detached()
		got := make(chan answer, 1)
		c.s.later(d, func(ctx context.Context) { got <- next(ctx, late) })
		hit()
		return c.await(ctx, got)
	}}
}

// Repeat carries the request out and delivers a second copy of it d later, in
// the background; nobody sees that one's answer.
func Repeat(d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("repeat(%v)", d), run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		again := c.detached()
		a := next(ctx, c)
		c.s.later(d, func(ctx context.Context) {
			again.entry = c.s.beginCopy(again.req)
			second := next(ctx, again)
			c.s.end(again.entry, second.err)
		})
		hit()
		return a
	}}
}

// detached is a call that goes on when the caller has returned, who may then
// use its data's bytes for something else.
func (c *call) detached() *call {
	d := *c
	d.req.write.Do = append([]lockstore.Change(nil), c.req.write.Do...)
	for i, change := range d.req.write.Do {
		if data, ok := change.(lockstore.SetData); ok && data.Bytes != nil {
			data.Bytes = append([]byte{}, data.Bytes...)
			d.req.write.Do[i] = data
		}
	}
	return &d
}

// await is how a caller waits for a request that is on its own way.
func (c *call) await(ctx context.Context, got <-chan answer) answer {
	select {
	case a := <-got:
		return a
	default:
	}
	select {
	case a := <-got:
		return a
	case <-ctx.Done():
		return c.ended(ctx.Err(), true)
	case <-c.s.ctx.Done():
		return c.fail(lockstore.ErrUnavailable, injected("fault store closed"), true)
	}
}

// later calls f after d, on a goroutine of its own, unless the store is closed
// before.
func (s *Store) later(d time.Duration, f func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	if s.pending == 0 {
		s.idle = make(chan struct{})
	}
	s.pending++
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		f(s.ctx)
		s.mu.Lock() // and so after t was set
		defer s.mu.Unlock()
		s.settle(t)
	})
	s.timers[t] = struct{}{}
}

// settle needs s.mu.
func (s *Store) settle(t *time.Timer) {
	delete(s.timers, t)
	s.pending--
	if s.pending == 0 {
		close(s.idle)
	}
}

// Pending returns how many late requests and copies are still on their way.
func (s *Store) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending
}

// Wait waits until no late request and no copy is on its way.
func (s *Store) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		pending, idle := s.pending, s.idle
		s.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends all faults: requests on their way in the background are dropped,
// blocked calls return, and no goroutine or timer is left. From then on the
// store only passes requests on.
func (s *Store) Close() {
	s.mu.Lock()
	s.cancel()
	for t := range s.timers {
		if t.Stop() {
			s.settle(t)
		}
	}
	s.mu.Unlock()
	// Those that could not be stopped are being delivered; their context has
	// ended, so that they are short.
	_ = s.Wait(context.Background())
}
