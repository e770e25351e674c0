package dynalock

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// keepLease is for a renewal that leaves the lease as it is by then.
const keepLease = time.Duration(-1)

const (
	// movesFollowed is how often one change follows writes of other handles.
	movesFollowed = 8
	// pendingKept is how many writes of unknown outcome are recognised later.
	pendingKept = 16
)

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
	once           bool // one request; whoever asks repeats it
	made           bool // under Lock.mu: it was made, though its answer was lost
}

// A pending write may have been made: the state that it would leave.
type pending struct {
	of     *change
	seq    int64
	belief protocol.Belief // of a renewal
	lease  time.Duration   // of a renewal: what later ones keep
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
		w = protocol.RaiseToken(l.nonce, l.seq, ch.token)
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
	return protocol.NewPromise(now, bounds, lease, keep, l.c.set.retention)
}

// forget drops a write that was certainly not made.
func (l *Lock) forget(p *pending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caps = slices.DeleteFunc(l.caps, func(q *pending) bool { return q == p })
	for i, q := range l.pending {
		if q == p {
			l.pending = append(l.pending[:i:i], l.pending[i+1:]...)
			return
		}
	}
}

// settle takes over what a write left that is known to have been made. All
// others that were pending are over: they were for an older seq.
func (l *Lock) settle(p *pending, r *lockstore.Record) {
	var left []*Lock // sessions that it is certainly not under any more
	var unsure []*Lock
	now, bounds := l.c.clock.now(), l.c.clock.at()
	lapsed := false
	defer func() {
		if lapsed {
			_ = l.expire()
		}
		l.leave(left...)
		for _, held := range unsure {
			l.c.schedule(held, now)
		}
		if r != nil {
			l.noteSession(r)
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = nil
	l.seq, p.of.made = p.seq, true
	// Of a session others may know by now that it has ended.
	if lapsed = l.members != nil && l.left(now, &bounds) <= 0; lapsed {
		return
	}
	if r != nil && l.members != nil {
		unsure = l.members.renewed(r.Revoked, l.belief, l.lease, now)
	}
	if r != nil {
		l.seq, l.tokens, l.expires, l.endless = r.Seq, r.Token, r.Expires, endless(r)
	}
	if p.of.token != 0 {
		l.token = p.of.token
	}
	if p.of.moves != nil {
		l.session, l.moving, l.caps = p.of.moves, nil, nil
		l.belief = protocol.Belief{Sent: l.belief.Sent} // no end of its own
	}
	if p.of.renew {
		left = []*Lock{l.session, l.moving}
		l.session, l.moving = nil, nil
		l.belief, l.caps = p.belief, nil
		if p.lease != 0 || p.belief.Lease == 0 {
			l.lease = p.lease
		}
	}
	if p.of.data != nil {
		l.data = clone(p.of.plain)
	}
}

// recognise looks at the record that a refused write showed: it may be what an
// earlier write of ours left. Otherwise another handle, or a call by key,
// wrote; then its seq is what the next write must be for.
func (l *Lock) recognise(r *lockstore.Record) *change {
	if r == nil || r.Nonce != l.nonce || r.Released || r.Ended {
		return nil
	}
	l.mu.Lock()
	for _, p := range l.pending {
		// Of a shared tenure a write of somebody else could look the same.
		if !l.shared && p.seq == r.Seq && p.made(r) {
			l.mu.Unlock()
			l.settle(p, r)
			return p.of
		}
	}
	l.pending = nil
	l.seq, l.tokens, l.expires, l.endless = r.Seq, r.Token, r.Expires, endless(r)
	switch {
	case l.moving != nil && r.Session == l.moving.key:
		l.session, l.moving, l.caps = l.moving, nil, nil
		l.belief = protocol.Belief{Sent: l.belief.Sent}
	case l.session == nil: // a move of an older seq comes too late now
		l.moving = nil
	}
	l.mu.Unlock()
	l.noteSession(r)
	if data, err := l.c.open(l.key, r); err == nil {
		l.mu.Lock()
		l.data = data
		l.mu.Unlock()
	}
	return nil
}

// made reports whether r shows what p wrote.
func (p *pending) made(r *lockstore.Record) bool {
	if p.of.token != 0 && r.Token != p.of.token {
		return false
	}
	if p.of.moves != nil && r.Session != p.of.moves.key {
		return false
	}
	if p.of.renew && (r.Lease != p.belief.Lease || !r.Expires.Equal(p.belief.Expires)) {
		return false
	}
	if d := p.of.data; d != nil {
		return r.Sealed == d.Sealed && (r.Data == nil) == (d.Bytes == nil) && bytes.Equal(r.Data, d.Bytes)
	}
	return true
}
