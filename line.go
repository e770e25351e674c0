package dynalock

import (
	"context"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

const (
	// localBatch is how many of one client get a lock one after the other
	// while others stand in the store's queue.
	localBatch = 16
	// tokenBlock is how many tokens are reserved at once for them.
	tokenBlock = 32
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
	left bool       // under Client.mu: gave up
}

// enter puts a call into the line of its key. nil: it is its turn to deal with
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
	if s := n.first(); s != nil {
		n.dealing, n.batch = true, 0
		s.turn <- nil
	}
}

func (n *line) first() *standing {
	for len(n.waiting) > 0 {
		s := n.waiting[0]
		n.waiting = n.waiting[1:]
		if !s.left {
			return s
		}
	}
	n.waiting = nil
	return nil
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

// stand waits in the line. It gives the lock, or nothing when it is the
// caller's turn to deal with the store, or the error of the call.
func (w *waiter) stand(s *standing) (*Lock, error) {
	w.a.waited = true
	if w.last == nil {
		w.last = w.c.heldHere(w.a.key)
	}
	select {
	case l := <-s.turn:
		return w.received(l)
	case <-w.limit.Done():
	case <-w.c.closing:
	}
	w.c.mu.Lock()
	s.left = true
	w.c.mu.Unlock()
	select {
	case l := <-s.turn: // it came at the same time
		if err := w.over(); err == nil {
			return w.received(l)
		}
		if l == nil {
			w.c.dealt(w.a.key, nil)
		} else {
			w.c.giveBack(context.WithoutCancel(w.caller), l, true)
			w.c.dealt(w.a.key, nil)
		}
	default:
	}
	return nil, w.over()
}

// received makes what was handed over the caller's: at once where it asked for
// nothing else than the former holder, otherwise by one write.
func (w *waiter) received(l *Lock) (*Lock, error) {
	if l == nil {
		return nil, nil
	}
	c, a := w.c, w.a
	own, cancel := c.untilClosed(w.limit)
	defer cancel()
	if !l.suits(a) {
		ch, err := c.claim(a)
		if err == nil {
			err = l.change(own, ch)
		}
		if err != nil {
			c.giveBack(own, l, true)
			c.dealt(a.key, nil)
			if e := w.over(); e != nil {
				return nil, e
			}
			return nil, mask(err)
		}
	}
	if err := c.adopt(l); err != nil {
		c.giveBack(own, l, true)
		c.dealt(a.key, nil)
		return nil, err
	}
	c.dealt(a.key, l)
	return l, nil
}

// suits reports whether a lock that was handed over is all that was asked for.
func (l *Lock) suits(a *acquisition) bool {
	return a.live && a.data == nil && a.atLeast == 0 && a.lease == l.lease && a.delete == l.delete
}

// claim is the write by which a lock that was handed over becomes what was
// asked for.
func (c *Client) claim(a *acquisition) (*change, error) {
	now, bounds := c.clock.now(), c.clock.at()
	if a.leaseOf != nil {
		lease, err := a.leaseOf.leaseByContext(now.Wall)
		if err != nil {
			return nil, err
		}
		a.lease = lease
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
	}
	return e
}

// handOver passes a lock that is being released on to the next in the local
// line. It needs the right to write, and that the handle has ended. What the
// next one gets is the same tenure, under a token of its own.
func (l *Lock) handOver(ctx context.Context) bool {
	c := l.c
	for !l.doubt {
		s := c.nextStanding(l)
		if s == nil {
			return false
		}
		n := l.successor(s.a)
		if n == nil && l.reserve(ctx) {
			n = l.successor(s.a)
		}
		if n == nil { // not to be handed over: the lock goes to the store
			c.mu.Lock()
			line := c.lineOf(l.key)
			line.waiting = append([]*standing{s}, line.waiting...)
			c.mu.Unlock()
			return false
		}
		if c.give(l.key, s, n) {
			return true
		}
		n.leave(n.session, n.moving)
	}
	return false
}

// give hands over, unless the one who waited has left meanwhile.
func (c *Client) give(key string, s *standing, n *Lock) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.left {
		return false
	}
	line := c.lineOf(key)
	line.holder, line.dealing = nil, true // until it is received
	line.batch++
	s.turn <- n
	return true
}

// nextStanding takes out the first who waits, if the lock may be handed over
// within the client at all.
func (c *Client) nextStanding(l *Lock) *standing {
	now, bounds := c.clock.now(), c.clock.at()
	l.mu.Lock()
	left, lease, held := l.proved(now, &bounds), l.lease, !l.shared && !l.pinned && l.live && len(l.caps) == 0
	held = held && (l.atLeast.IsZero() || bounds.Known() && !bounds.Earliest(now).Before(l.atLeast))
	l.mu.Unlock()
	// Some of the lease has to be left for the next one to work with.
	if !held || left < lease/4 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.lineOf(l.key)
	if n == nil || n.holder != l || c.closed || c.keys[l.key].queued && n.batch >= localBatch {
		return nil
	}
	return n.first()
}

// successor is the next one's handle, if there is a token for it.
func (l *Lock) successor(a *acquisition) *Lock {
	now := l.c.clock.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token >= l.tokens || len(l.pending) > 0 {
		return nil
	}
	n := &Lock{
		c: l.c, key: l.key, owner: l.owner, nonce: l.nonce, live: a.live, delete: l.delete,
		began: now, token: l.token + 1, tokens: l.tokens, seq: l.seq, lease: l.lease,
		belief: l.belief, expires: l.expires, session: l.session, moving: l.moving, pending: l.pending, data: l.data,
		writing: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if a.atMost > 0 {
		n.atMost = now.Mono + a.atMost
	}
	n.alarm.lock = n
	l.c.joinSessions(n, l.session, l.moving)
	if bounds := l.c.clock.at(); n.proved(now, &bounds) < l.lease/4 { // the session ended meanwhile, or it took too long
		n.leave(n.session, n.moving)
		return nil
	}
	n.renewal.at, n.renewal.tries, n.renewal.failed = l.renewal.at, l.renewal.tries, l.renewal.failed
	return n
}

// reserve takes a block of tokens for local hand-overs, by one write.
func (l *Lock) reserve(ctx context.Context) bool {
	l.mu.Lock()
	seq, token := l.seq, l.tokens+tokenBlock
	l.mu.Unlock()
	l.c.reserving(l.key, l.nonce, token)
	got, err := l.c.write(ctx, "reserve", l.key, protocol.RaiseToken(l.nonce, seq, token))
	if err != nil || !got.Applied {
		return false
	}
	l.c.see(l.key, got.Record, got.answered)
	l.c.reservedTokens(l.key, l.nonce, got.Record.Token)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq, l.tokens, l.pending = got.Record.Seq, got.Record.Token, nil
	return true
}
