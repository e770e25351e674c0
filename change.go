package dynalock

import (
	"context"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// keepLease is for a renewal that leaves the lease as it is by then.
const keepLease = time.Duration(-1)

// movesFollowed is how often one change follows writes of other handles.
const movesFollowed = 8

// A change is one write of a tenure by its handle.
type change struct {
	step  string
	renew bool
	lease time.Duration      // of a renewal; keepLease: what it has
	data  *lockstore.SetData // nil: the data stays
	plain []byte
	token int64     // not 0: raise the token
	moves *Lock     // the session to move to
	hold  time.Time // of a claim: HoldAtLeast's end
	// claims: it is the first write of a tenure that was handed over, and says
	// whether its item is to be deleted.
	claims, delete bool
	attaches       bool // it must not take the lock out of a session
	once           bool // one request; whoever asks repeats it
	made           bool // under Lock.mu: it was made, though its answer was lost
}

// change carries out one compare-and-set on nonce and seq. Whatever the
// outcome, afterwards the handle believes no more than what is certain.
func (l *Lock) change(ctx context.Context, ch *change) error {
	// Ends with the tenure too: after a release nothing more may be sent.
	ctx, cancel := l.Context(ctx)
	defer cancel()
	ctx, told := l.c.holdEvents(ctx)
	defer func() { l.c.tellHeld(ctx, told, ch.once) }()
	for failed := 0; ; failed++ {
		err := l.changeOnce(ctx, ch)
		if err == nil || ch.once || !transient(err) || failed+1 == callTries || !l.c.backoff(ctx, l.done, failed, err) {
			return err
		}
	}
}

// changeOnce makes one request, and more only where other handles wrote first.
// Between two tries of a change the others of this handle have their turn: an
// update that fails must not keep renewals out.
func (l *Lock) changeOnce(ctx context.Context, ch *change) error {
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	for range movesFollowed {
		if err := l.Err(); err != nil {
			return err
		}
		if l.recognised(ch) {
			return nil
		}
		got, p, err := l.send(ctx, ch)
		switch {
		case err != nil:
			if !unknown(err) {
				l.forget(p)
			}
			return err
		case got.Applied:
			l.settle(p, got.Record)
			return nil
		}
		if of := l.recognise(got.Record); of == ch {
			return nil
		}
		if why, by := protocol.WhyLost(l.nonce, got.Record); why != protocol.LossNone {
			return l.lose(why, by)
		}
		if ch.attaches && got.Record.Session != "" {
			return errInSession
		}
	}
	return &lockstore.Error{Kind: ErrUnavailable, Op: ch.step, Advice: "other handles of this tenure keep writing; try again"}
}

// recognised reports whether another change of this handle found out that an
// earlier try of this one was made.
func (l *Lock) recognised(ch *change) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return ch.made
}

// take waits for the right to write for this tenure.
func (l *Lock) take(ctx context.Context) error {
	select {
	case l.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable("write", l.c, context.Cause(ctx))
	}
}

func (l *Lock) give() { <-l.writing }

// send makes the write for what the handle knows now. p is noted before it is
// sent, so that it is recognised though its answer is lost.
func (l *Lock) send(ctx context.Context, ch *change) (answer, *pending, error) {
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	if ch.moves != nil && ch.moves.lease != l.lease {
		// The lease was changed while this one waited for its turn.
		ch.moves, ch.renew, ch.lease = nil, true, keepLease
	}
	p := &pending{of: ch, seq: l.seq + 1}
	var w lockstore.Write
	switch {
	case ch.moves != nil:
		// While its outcome is unknown, belief is the shorter of the two.
		l.moving = ch.moves
		w = protocol.MoveTo(ch.moves.key, l.nonce, l.seq)
	case ch.token != 0:
		ch.token = max(ch.token, l.tokens+1)
		w = protocol.RaiseToken(l.nonce, l.seq, l.tokens, ch.token)
	case ch.renew:
		if p.lease = ch.lease; p.lease == keepLease {
			p.lease = l.lease
		}
		if !ch.hold.IsZero() {
			l.atLeast = ch.hold
		}
		promise := l.promise(now, &bounds, p.lease)
		p.belief = promise.Belief(now)
		w = protocol.Renew(l.nonce, l.seq, promise, ch.data)
		if ch.claims {
			l.delete = ch.delete
			w.Do = append(w.Do, lockstore.SetHold(ch.hold), lockstore.SetDeleteOnRelease(ch.delete))
		}
		if promise.Lease != 0 && (l.belief.Lease == 0 || promise.Lease < l.belief.Lease) {
			// It shortens, and from here on may have done so.
			l.caps = append(l.caps, p)
			if l.session != nil { // which does not prove it any more
				l.renewal.at = now.Mono + min(promise.Lease, l.lease)/10
			}
		}
	default:
		w = protocol.Update(l.nonce, l.seq, ch.data)
	}
	if l.pending = append(l.pending, p); len(l.pending) > pendingKept {
		l.pending = l.pending[1:]
	}
	left, shortens := l.left(now, &bounds), len(l.caps) > 0 && l.alarm.lock != nil
	l.mu.Unlock()
	if shortens {
		l.c.schedule(l, now)
	}
	limited, cancel := context.WithTimeout(ctx, min(attemptLimit, left/2)) // there has to be time for a renewal
	defer cancel()
	got, err := l.c.write(limited, ch.step, l.key, w)
	if err == nil {
		l.c.see(l.key, got.Record, got.answered)
	}
	return got, p, err
}

// promise is that of a renewal, with l.mu held. It keeps HoldAtLeast's end,
// and of a tenure that others share it shortens nothing.
func (l *Lock) promise(now protocol.Moment, bounds *protocol.Bounds, lease time.Duration) protocol.Promise {
	keep := l.atLeast
	if l.shared && l.endless {
		lease = 0 // others may count on its having no end
	}
	if l.shared && l.expires.After(keep) {
		keep = l.expires
	}
	p := protocol.NewPromise(now, bounds, lease, keep, l.c.set.retention)
	if l.shared && p.Lease != 0 && !bounds.Known() {
		p.Lease = max(p.Lease, l.promised) // by which the others believe, then
	}
	return p
}
