package dynalock

import (
	"context"
	"slices"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

const (
	// localBatch is how many of one client get a lock one after the other
	// while others stand in the store's queue.
	localBatch = 16
	// tokenBlock is how many tokens are reserved at once for them: no more, so
	// that the write which reserves shows in time whether others wait.
	tokenBlock = localBatch
)

// A line is where the goroutines of one client stand that wait for one key.
// One of them at a time deals with the store; the others get the lock from each
// other, without a request, or the turn to deal.
type line struct {
	dealing bool
	holder  *Lock // got through this line, not ended
	batch   int   // hand-overs since the store was dealt with
	waiting []*standing
}

func (n *line) busy() bool {
	return n != nil && (n.dealing || n.holder != nil || len(n.waiting) > 0)
}

// A standing is one who waits in a line.
type standing struct {
	a    *acquisition
	turn chan *Lock // the lock, or nil: the turn to deal with the store
}

// enterLine puts a call into the line of its key. nil: it is its turn to deal with
// the store.
func (c *Client) enterLine(a *acquisition) *standing {
	now := c.clock.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(a.key, now)
	if k.line == nil {
		k.line = &line{}
	}
	if !k.line.dealing && k.line.holder == nil {
		k.line.dealing, k.line.batch = true, 0
		return nil
	}
	s := &standing{a: a, turn: make(chan *Lock, 1)}
	k.line.waiting = append(k.line.waiting, s)
	return s
}

// dealt ends a turn to deal with the store: with the lock, or without.
func (c *Client) dealt(key string, l *Lock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.lineOf(key)
	if n == nil {
		return
	}
	n.dealing, n.holder = false, l
	if l == nil || closed(l.done) {
		n.holder = nil
		n.next()
	}
}

// lineOf needs c.mu.
func (c *Client) lineOf(key string) *line {
	if k := c.keys[key]; k != nil {
		return k.line
	}
	return nil
}

// next gives the turn to deal to the first who waits, with c.mu held.
func (n *line) next() {
	if len(n.waiting) > 0 {
		n.dealing, n.batch = true, 0
		n.first().turn <- nil
	}
}

// first takes out the first who waits.
func (n *line) first() *standing {
	s := n.waiting[0]
	n.waiting[0] = nil
	n.waiting = n.waiting[1:]
	return s
}

// leave takes out one who gave up; false: its turn had come.
func (n *line) leave(s *standing) bool {
	i := slices.Index(n.waiting, s)
	if i >= 0 {
		n.waiting = slices.Delete(n.waiting, i, i+1)
	}
	return i >= 0
}

// lineEnded is called when a handle has ended without being handed over.
func (c *Client) lineEnded(l *Lock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.lineOf(l.key); n != nil && n.holder == l {
		n.holder = nil
		n.next()
	}
}

// stand waits in the line, until it is the caller's turn: with the lock, or
// without, to deal with the store. Otherwise it gives the error of the call.
func (w *waiter) stand(s *standing) (l *Lock, turn bool, err error) {
	w.note(w.c.heldHere(w.a.key))
	select {
	case l := <-s.turn:
		return l, true, nil
	case <-w.limit.Done():
	case <-w.c.closing:
	}
	return nil, false, w.leaveLine(s)
}

// leaveLine ends the wait of one who gave up. What came at the same time goes
// on to the next.
func (w *waiter) leaveLine(s *standing) error {
	c, key := w.c, w.a.key
	c.mu.Lock()
	waited := c.lineOf(key).leave(s)
	c.mu.Unlock()
	if !waited {
		if l := <-s.turn; l != nil {
			c.giveBack(w.limit, l, true)
		}
		c.dealt(key, nil)
	}
	return w.over()
}

// received makes what was handed over the caller's: at once where it asked for
// nothing else than the former holder, otherwise by one write. Where that fails
// for now it gives nothing: the caller deals with the store.
func (w *waiter) received(l *Lock) (*Lock, error) {
	err := w.furnish(l)
	if err == nil {
		return l, nil
	}
	w.c.giveBack(w.limit, l, true)
	return nil, w.refused(err)
}

// furnish gives a lock that was handed over within the client what its new
// holder asked for.
func (w *waiter) furnish(l *Lock) error {
	if l.suits(w.a) {
		return w.c.adopt(l)
	}
	own, cancel := w.c.untilClosed(w.limit)
	defer cancel()
	ch, err := w.c.claim(own, w.a)
	if err == nil {
		err = l.change(own, ch)
	}
	if err == nil {
		err = w.c.adopt(l)
	}
	return err
}

// suits reports whether a lock that was handed over is all that was asked for.
func (l *Lock) suits(a *acquisition) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return a.live && a.data == nil && a.atLeast == 0 && a.lease == l.lease && a.delete == l.delete
}

// claim is the write by which a lock that was handed over becomes what was
// asked for.
func (c *Client) claim(ctx context.Context, a *acquisition) (*change, error) {
	if a.atLeast != 0 {
		if err := c.askTime(ctx, a.key); err != nil {
			return nil, err
		}
	}
	now, bounds := c.clock.now(), c.clock.at()
	if err := a.leaseFrom(now); err != nil {
		return nil, err
	}
	return &change{
		step: "claim", renew: true, lease: a.lease, data: a.data, plain: a.plain,
		hold: protocol.HoldUntil(now, &bounds, a.atLeast), claims: true, delete: a.delete,
	}, nil
}

// heldHere says that this client holds the lock, as far as is known.
func (c *Client) heldHere(key string) error {
	e := &HeldError{Key: key, Owner: c.set.owner}
	if l := c.handleOf(key); l != nil {
		e.Token, e.Since = l.Token(), l.began.Wall.Truncate(time.Second)
		l.mu.Lock()
		e.Lease, e.Expires = l.lease, l.expires
		l.mu.Unlock()
		if e.Lease > 0 {
			e.RetryAt = l.Deadline().Round(time.Millisecond)
		}
	}
	return e
}
