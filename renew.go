package dynalock

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// maxRenewals is how many renewals of one client are under way at once.
const maxRenewals = 32

// A renewal is what a handle knows of its own renewing, under Lock.mu.
type renewal struct {
	at     time.Duration // monotonic; when the next one is due
	due    time.Duration // and when the first of the tries in a row was
	busy   bool
	tries  int   // that failed since the last one that did not
	failed error // the last of them
	cancel context.CancelFunc
}

// stop ends the one under way: its tenure has ended.
func (r *renewal) stop() {
	if r.cancel != nil {
		r.cancel()
	}
}

// start makes the client look after a new handle.
func (l *Lock) start(now protocol.Moment) {
	bounds := l.c.clock.at()
	l.mu.Lock()
	l.alarm.lock = l
	if l.renewal.at == 0 { // not handed over within the client
		l.renewal.at = now.Mono + min(l.renewAfter(), l.left(now, &bounds)/2)
	}
	l.mu.Unlock()
	l.c.schedule(l, now)
}

// renewAfter is a third of the lease, less a jitter that keeps the locks of
// one moment from being renewed in one moment. l.mu is held.
func (l *Lock) renewAfter() time.Duration {
	lease := l.belief.Lease
	if lease == 0 || l.lease > 0 {
		lease = l.lease // HoldAtLeast may have made it longer for now
	}
	return l.c.jitter(lease*3/10, lease/3)
}

// schedule sets the alarm for what comes next.
func (c *Client) schedule(l *Lock, now protocol.Moment) {
	if next, again := c.lookAt(l, now); again {
		c.alarms.set(&l.alarm, next, now)
		c.alarms.unlessEnded(&l.alarm)
	}
}

// lookAt does what is due for a lock, and says when to look again.
func (c *Client) lookAt(l *Lock, now protocol.Moment) (next time.Duration, again bool) {
	bounds := c.clock.at()
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return 0, false
	}
	left := l.left(now, &bounds)
	if left <= 0 {
		l.mu.Unlock()
		_ = l.expire()
		return 0, false
	}
	wait := left
	if s := l.session; s != nil && s.members.left(l, now, &bounds) == protocol.Forever {
		// Whose end ends this one too: no alarm for each of them.
		wait = protocol.Forever
		if l.atMost > 0 {
			wait = l.atMost - now.Mono
		}
	}
	waiting := l.warnings[:0]
	for _, w := range l.warnings {
		if left <= w.left {
			close(w.ch)
			continue
		}
		waiting = append(waiting, w)
		if left != protocol.Forever {
			wait = min(wait, left-w.left)
		}
	}
	l.warnings = waiting
	renew := false
	if l.live && !l.renewal.busy && (l.session == nil || l.shared || len(l.caps) > 0) {
		if renew = l.renewal.at <= now.Mono; renew {
			l.renewal.busy = true
		} else {
			wait = min(wait, l.renewal.at-now.Mono)
		}
	}
	l.mu.Unlock()
	if renew {
		due := now.Mono
		c.spawn(func(ctx context.Context) { l.keepAlive(ctx, due) })
	}
	return now.Mono + wait, wait != protocol.Forever
}

// keepAlive makes one renewal. It may take half of what is left of the lease,
// so that there is time for another.
func (l *Lock) keepAlive(background context.Context, due time.Duration) {
	began, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	left := l.left(began, &bounds)
	if l.renewal.tries == 0 {
		l.renewal.due = l.renewal.at
	}
	lag := due - l.renewal.due
	ctx, cancel := context.WithTimeout(background, min(left/2, attemptLimit))
	l.renewal.cancel = cancel
	l.mu.Unlock()
	defer cancel()

	if l.members != nil && l.c.endIfIdle(l) {
		return
	}
	session := l.c.sessionFor(ctx, l) // made, if need be, without a slot
	err := l.c.renewalSlot(ctx)
	if err == nil {
		err = l.renewOnce(ctx, session)
		<-l.c.renewal
	}
	l.unlessUnder(session)
	l.mu.Lock()
	l.renewal.busy = false
	l.mu.Unlock()
	if err == nil {
		l.renewed()
	} else {
		l.renewFailed(err)
	}
	if l.c.observed() && l.Err() == nil {
		l.tellRenewal(began, lag, err)
	}
}

// renewOnce renews the lock by itself or, if it can, by moving it to the
// session of the client's locks of that lease.
func (l *Lock) renewOnce(ctx context.Context, session *Lock) error {
	ch := &change{step: "renew", renew: true, lease: keepLease, once: true}
	if session != nil {
		ch = &change{step: "move", moves: session, once: true}
	}
	return l.change(ctx, ch)
}

// unlessUnder takes the lock out of a session that it was entered into, and did
// not move to.
func (l *Lock) unlessUnder(session *Lock) {
	if session == nil {
		return
	}
	l.mu.Lock()
	under := l.err == nil && (l.session == session || l.moving == session)
	l.mu.Unlock()
	if !under {
		session.members.remove(l)
	}
}

func (c *Client) renewalSlot(ctx context.Context) error {
	select {
	case c.renewal <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.renewal <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errors.New("too many renewals under way")
	}
}

// renewed plans the next renewal after one that was made.
func (l *Lock) renewed() {
	now := l.c.clock.now()
	l.mu.Lock()
	again := l.renewal.tries > 0
	l.renewal.tries, l.renewal.failed = 0, nil
	l.renewal.at = now.Mono + l.renewAfter()
	l.mu.Unlock()
	if again {
		l.c.later(func() { l.c.logRenewal(l, false, 0, nil) })
	}
	l.c.schedule(l, now)
	if l.members != nil {
		l.lookAtMembers()
	}
}

// renewFailed plans the next try, soon at first.
func (l *Lock) renewFailed(err error) {
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	first := l.renewal.tries == 0
	lease, left := l.belief.Lease, l.left(now, &bounds)
	step := min(max(lease/100, backoffMin)<<min(l.renewal.tries, 6), max(lease/16, backoffMin))
	// The last tries have no time left, which is no news.
	if l.renewal.failed == nil || !errors.Is(err, context.DeadlineExceeded) {
		l.renewal.failed = mask(err)
	}
	l.renewal.tries++
	l.renewal.at = now.Mono + l.c.jitter(step/2, step)
	l.mu.Unlock()
	if first {
		l.c.later(func() { l.c.logRenewal(l, true, left, mask(err)) })
	}
	l.c.schedule(l, now)
}

func (l *Lock) tellRenewal(began protocol.Moment, lag time.Duration, err error) {
	e := Event{
		Kind: EventRenewed, Key: l.key, Owner: l.owner, Live: l.live,
		Took: l.c.clock.now().Mono - began.Mono, Lag: lag, Err: mask(err),
	}
	if l.members != nil {
		e.Locks = l.members.count()
	}
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	e.Lease = l.lease
	if err != nil {
		e.Kind, e.Left = EventRenewFailed, l.left(now, &bounds)
	}
	l.mu.Unlock()
	l.c.later(func() { l.c.tell(context.Background(), e) })
}
