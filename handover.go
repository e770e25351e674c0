package dynalock

import (
	"context"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// handOver passes a lock that is being released on to the next in the local
// line. It needs the right to write, and that the handle has ended. What the
// next one gets is the same tenure, under a token of its own.
func (l *Lock) handOver(ctx context.Context) bool {
	c := l.c
	if l.doubt || !l.mayPass() || c.nextStanding(l, false) == nil || l.needsToken() && !l.reserve(ctx) {
		return false
	}
	s := c.nextStanding(l, true) // or nobody any more
	if s == nil {
		return false
	}
	n := l.successor(s.a)
	if n == nil { // not to be handed over: the lock goes to the store
		c.standAgain(l.key, s)
		return false
	}
	c.give(s, n)
	return true
}

// mayPass reports whether the tenure may be handed over without a write.
func (l *Lock) mayPass() bool {
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shared || l.pinned || !l.live || len(l.caps) > 0 || len(l.pending) > 0 {
		return false
	}
	return !l.holdsOn(now, &bounds) && l.proved(now, &bounds) >= l.enoughToPass()
}

// enoughToPass is what has to be left for the next one to work with: of what
// it may itself have been granted only for a claim window.
func (l *Lock) enoughToPass() time.Duration { return min(l.lease, protocol.ClaimWindow) / 4 }

// nextStanding gives the first who waits, if it may have the lock within the
// client, and takes it out of the line.
func (c *Client) nextStanding(l *Lock, take bool) *standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.lineOf(l.key)
	if n == nil || n.holder != l || c.closed || len(n.waiting) == 0 || c.keys[l.key].queued && n.batch >= localBatch {
		return nil
	}
	if c.keys[l.key].own != l.nonce { // the client has got the lock anew since: this tenure had ended
		return nil
	}
	if !take {
		return n.waiting[0]
	}
	return n.first()
}

func (c *Client) standAgain(key string, s *standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.lineOf(key)
	n.waiting = append([]*standing{s}, n.waiting...)
}

// give hands over. From here on the new handle is the client's, though nobody
// has received it yet: what ends the tenure ends it.
func (c *Client) give(s *standing, n *Lock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := c.lineOf(n.key)
	line.holder, line.dealing = nil, true // until it is received
	line.batch++
	c.locks[n] = struct{}{}
	k := c.keys[n.key]
	k.handle, k.own = n, n.nonce
	s.turn <- n
}

// handedOver reports whether the tenure went on under another handle.
func (l *Lock) handedOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passed
}

func (l *Lock) needsToken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token >= l.tokens
}

// successor is the next one's handle; nil: the tenure is not to be handed over
// any more. From here on this handle names no tenure.
func (l *Lock) successor(a *acquisition) *Lock {
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shared || l.pinned || len(l.pending) > 0 {
		return nil
	}
	n := &Lock{
		c: l.c, key: l.key, owner: l.owner, nonce: l.nonce, live: a.live, delete: l.delete,
		began: now, token: l.token + 1, tokens: l.tokens, seq: l.seq, lease: l.lease,
		belief: l.belief, expires: l.expires, promised: l.promised, session: l.session, moving: l.moving, data: l.data,
		writing: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if a.atMost > 0 {
		n.atMost = now.Mono + a.atMost
	}
	n.alarm.lock = n
	n.renewal.at, n.renewal.due = l.renewal.at, l.renewal.due
	n.renewal.tries, n.renewal.failed = l.renewal.tries, l.renewal.failed
	in := true
	for _, s := range l.sessions() {
		in = in && (s == nil || s.members.replace(l, n))
	}
	if !in || n.proved(now, &bounds) < l.enoughToPass() { // the session ended meanwhile, or it took too long
		n.leave(l.sessions())
		return nil
	}
	l.passed = true
	return n
}

// reserve takes a block of tokens for local hand-overs, by one write.
func (l *Lock) reserve(ctx context.Context) bool {
	l.mu.Lock()
	seq, from := l.seq, l.tokens
	token := from + tokenBlock
	l.mu.Unlock()
	l.c.reserving(l.key, l.nonce, token)
	got, err := l.c.write(ctx, "reserve", l.key, protocol.RaiseToken(l.nonce, seq, from, token))
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
