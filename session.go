package dynalock

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// sessionName comes between the prefix of session keys and the session's id.
const sessionName = reservedPrefix + "session:"

// deniedPause is how long a client that may not write its session's key does
// without a session.
const deniedPause = 10 * time.Minute

// sessionFor gives the session that a lock moves to at its renewal; nil: it is
// renewed by itself.
func (c *Client) sessionFor(ctx context.Context, l *Lock) *Lock {
	now, bounds := c.clock.now(), c.clock.at()
	l.mu.Lock()
	lease, pending := l.lease, l.moving
	alone := l.members != nil || l.shared || l.pinned || len(l.caps) > 0 || l.holdsOn(now, &bounds)
	l.mu.Unlock()
	if alone || c.polls {
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

// holdsOn reports whether HoldAtLeast's promise may still run: then it must not
// depend on a session, nor be handed over without a write. l.mu is held.
func (l *Lock) holdsOn(now protocol.Moment, bounds *protocol.Bounds) bool {
	return !l.atLeast.IsZero() && (!bounds.Known() || bounds.Earliest(now).Before(l.atLeast))
}

// sessions are those that the lock is under, and may be under: each may be nil.
// l.mu is held.
func (l *Lock) sessions() [2]*Lock { return [2]*Lock{l.session, l.moving} }

// session enters a lock into the client's session of that lease, and makes one
// if there is none. nil: it cannot be had now, or at all.
func (c *Client) session(ctx context.Context, l *Lock, lease time.Duration) *Lock {
	// Half of the time has to be left for a renewal without a session.
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	for {
		s, wait := c.sessions.find(lease, c.clock.now().Mono)
		switch {
		case s != nil && s.lastFailure() != nil:
			return nil // which may be its end
		case s != nil && s.members.add(l):
			return s
		case s != nil:
			c.sessions.forget(s)
		case wait == nil:
			return nil
		default:
			select {
			case wait <- struct{}{}: // it is ours to make
				c.makeSession(ctx, lease)
				<-wait
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// makeSession makes the client's session of that lease, unless another lock has
// made it meanwhile.
func (c *Client) makeSession(ctx context.Context, lease time.Duration) {
	if s, wait := c.sessions.find(lease, c.clock.now().Mono); s != nil || wait == nil {
		return
	}
	s, err := c.newSession(ctx, lease)
	pause := lease / 4
	if errors.Is(err, lockstore.ErrAccessDenied) {
		// Rights may allow a tenant only keys of a certain prefix: then each
		// lock is renewed by itself.
		pause = deniedPause
	}
	c.sessions.made(s, lease, err, c.clock.now().Mono+pause)
}

// endIfIdle releases a session that has no locks any more.
func (c *Client) endIfIdle(s *Lock) bool {
	if !s.members.close() {
		return false
	}
	c.sessions.forget(s)
	_ = s.end(ErrReleased)
	c.spawn(func(ctx context.Context) { _ = s.finish(ctx) })
	return true
}

// sessions are a client's, by lease.
type sessions struct {
	mu  sync.Mutex
	all map[time.Duration]*sessionOf
}

type sessionOf struct {
	live      *Lock         // nil: none
	making    chan struct{} // holds one while one is made: one is enough
	notBefore time.Duration // monotonic; after a failure
}

// find gives the session of that lease; or the right to make it, which is had
// by putting something into the channel; or neither, for a time after a failure.
func (s *sessions) find(lease, now time.Duration) (*Lock, chan struct{}) {
	live, notBefore, making := s.of(lease)
	switch {
	case live != nil && live.Err() == nil:
		return live, nil
	case now < notBefore:
		return nil, nil
	}
	return nil, making
}

func (s *sessions) of(lease time.Duration) (live *Lock, notBefore time.Duration, making chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[time.Duration]*sessionOf{}
	}
	of := s.all[lease]
	if of == nil {
		of = &sessionOf{making: make(chan struct{}, 1)}
		s.all[lease] = of
	}
	return of.live, of.notBefore, of.making
}

func (s *sessions) made(session *Lock, lease time.Duration, err error, notBefore time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.all[lease].notBefore = notBefore
		return
	}
	s.all[lease].live = session
}

func (s *sessions) forget(session *Lock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.all[session.lease]; of != nil && of.live == session {
		of.live = nil
	}
}

// newSession makes a session: the shared liveness of this client's live locks of
// one lease, with one record, under a reserved key, and one renewal. It is a lock
// itself, which only this client knows. When it ends, every lock in it ends.
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
		l.leaveSessions()
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
	under := l.sessions()
	l.mu.Unlock()
	for _, s := range under {
		if s != nil && s.Err() == nil {
			c.remember(l.key, l.nonce, 0)
			return
		}
	}
}

// leaveSessions takes it out of the sessions that it was or may have been under.
func (l *Lock) leaveSessions() {
	l.mu.Lock()
	under := l.sessions()
	l.mu.Unlock()
	l.leave(under)
}

// leave takes a lock out of those sessions.
func (l *Lock) leave(under [2]*Lock) {
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
	c.sessions.mu.Lock()
	var live []*Lock
	for _, of := range c.sessions.all {
		if of.live != nil {
			live = append(live, of.live)
		}
	}
	c.sessions.mu.Unlock()
	for _, s := range live {
		_ = s.end(ErrClosed)
		_ = s.finish(ctx)
	}
}
