package dynalock

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// sessionName comes between the prefix of session keys and the session's id.
const sessionName = reservedPrefix + "session:"

// deniedPause is how long a client that may not write its session's key does
// without a session.
const deniedPause = 10 * time.Minute

// A session is the shared liveness of this client's live locks of one lease:
// one record, under a reserved key, and one renewal. It is a lock itself, which
// only this client knows. When it ends, every lock in it ends.

// sessionFor gives the session that a lock moves to at its renewal; nil: it is
// renewed by itself.
func (c *Client) sessionFor(ctx context.Context, l *Lock) *Lock {
	l.mu.Lock()
	lease, pending := l.lease, l.moving
	alone := l.members != nil || l.shared || l.pinned || len(l.caps) > 0
	l.mu.Unlock()
	if alone || c.polls || c.holdsOn(l) {
		return nil
	}
	switch {
	case pending == nil || pending.Err() != nil:
	case pending.lease == lease:
		return pending
	default: // the lease was changed meanwhile: know first where it is
		return nil
	}
	return c.session(ctx, l, lease)
}

// holdsOn reports whether HoldAtLeast's promise still runs: it must not depend
// on a session.
func (c *Client) holdsOn(l *Lock) bool {
	now, bounds := c.clock.now(), c.clock.at()
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.atLeast.IsZero() && !(bounds.Known() && bounds.Earliest(now).After(l.atLeast))
}

// session enters a lock into the client's session of that lease, and makes one
// if there is none. nil: it cannot be had now, or at all.
func (c *Client) session(ctx context.Context, l *Lock, lease time.Duration) *Lock {
	// Half of the time has to be left for a renewal without a session.
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	if !c.sessions.lock(ctx) {
		return nil
	}
	defer c.sessions.unlock()
	now := c.clock.now().Mono
	if closed(c.closing) || now < c.sessions.notBefore {
		return nil
	}
	if s := c.sessions.live[lease]; s != nil && s.Err() == nil {
		s.members.add(l, false)
		return s
	}
	s, err := c.newSession(ctx, lease)
	if err != nil {
		// Rights may allow a tenant only keys of a certain prefix: then each
		// lock is renewed by itself.
		c.sessions.notBefore = now + lease/4
		if errors.Is(err, lockstore.ErrAccessDenied) {
			c.sessions.notBefore = now + deniedPause
		}
		return nil
	}
	if c.sessions.live == nil {
		c.sessions.live = map[time.Duration]*Lock{}
	}
	c.sessions.live[lease] = s
	s.members.add(l, false)
	return s
}

// endIfIdle releases a session that has no locks any more.
func (c *Client) endIfIdle(s *Lock) bool {
	c.sessions.lock(context.Background())
	defer c.sessions.unlock()
	if !s.members.close() {
		return false
	}
	if c.sessions.live[s.lease] == s {
		delete(c.sessions.live, s.lease)
	}
	_ = s.end(ErrReleased)
	c.spawn(func(ctx context.Context) { _ = s.finish(ctx) })
	return true
}

// sessions are a client's, by lease.
type sessions struct {
	busy      chan struct{} // holds one while one is made: one is enough
	live      map[time.Duration]*Lock
	notBefore time.Duration // monotonic; after a failure
}

func (s *sessions) lock(ctx context.Context) bool {
	select {
	case s.busy <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *sessions) unlock() { <-s.busy }

func (c *Client) newSession(ctx context.Context, lease time.Duration) (*Lock, error) {
	id := c.newNonce()
	a := &acquisition{
		key:   c.set.sessionKeyPrefix + sessionName + hex.EncodeToString([]byte(id)),
		lease: lease, live: true, delete: true, began: c.clock.now(),
		data: &lockstore.SetData{}, members: newMembers(),
	}
	t := c.newTry(a)
	defer t.settle()
	got, err := t.send(ctx)
	if err != nil {
		return nil, err
	}
	if !got.Applied {
		return nil, errors.New("the session's key is taken")
	}
	return t.won(ctx, got.Record, t.tenure.Promise.Belief(got.asked))
}

// sessionEnded takes a lock that ended out of its sessions; a session takes
// its locks with it.
func (c *Client) sessionEnded(l *Lock) {
	if l.members == nil {
		c.sessions.leave(l)
		return
	}
	for _, held := range l.members.all() {
		held.mu.Lock()
		under := held.session == l || held.moving == l
		held.mu.Unlock()
		if under {
			if l.Err() == ErrClosed {
				_ = held.end(ErrClosed)
			} else {
				_ = held.expire()
			}
		}
	}
}

// releaseFromSession sees to it that a lock which ended without a certain
// release is released: a session that goes on would keep it held.
func (c *Client) releaseFromSession(l *Lock) {
	l.mu.Lock()
	under := [...]*Lock{l.session, l.moving}
	l.mu.Unlock()
	for _, s := range under {
		if s != nil && s.Err() == nil {
			c.remember(l.key, l.nonce, 0)
			return
		}
	}
}

// leave takes a lock out of the sessions that it was or may have been under.
func (s *sessions) leave(l *Lock) {
	l.mu.Lock()
	under := [...]*Lock{l.session, l.moving}
	l.mu.Unlock()
	l.leave(under[:]...)
}

// leave takes a lock out of those sessions.
func (l *Lock) leave(under ...*Lock) {
	for _, session := range under {
		if session != nil {
			session.members.remove(l)
		}
	}
}

// mark tells the client whose session keeps a tenure alive that somebody
// changes that tenure: it looks at its locks with the next renewal of the
// session. Before the change, so that none goes unannounced, and again after it,
// since the first mark may have been seen before. Without a session there is
// nothing to mark.
func (c *Client) mark(ctx context.Context, r *lockstore.Record) error {
	if r.Session == "" {
		return nil
	}
	return c.retry(ctx, func(ctx context.Context) error {
		_, err := c.write(ctx, "mark", r.Session, protocol.Revoke())
		return err
	})
}

// markAgain is the mark after the change. It does not fail the call: if this
// process ends first, the first mark and the regular look at the locks remain.
func (c *Client) markAgain(ctx context.Context, r *lockstore.Record) {
	if r.Session == "" || c.mark(ctx, r) == nil {
		return
	}
	c.spawn(func(background context.Context) {
		ctx, cancel := context.WithTimeout(background, cleanLimit)
		defer cancel()
		_ = c.mark(ctx, r)
	})
}

// lastFailure is why renewals fail, if they do.
func (l *Lock) lastFailure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewal.failed
}

// endSessions releases the client's sessions, after their locks.
func (c *Client) endSessions(ctx context.Context) {
	c.sessions.lock(context.Background())
	defer c.sessions.unlock()
	for _, s := range c.sessions.live {
		_ = s.end(ErrClosed)
		_ = s.finish(ctx)
	}
}
