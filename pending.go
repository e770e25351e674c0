package dynalock

import (
	"bytes"
	"slices"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// pendingKept is how many writes of unknown outcome are recognised later.
const pendingKept = 16

// A pending write may have been made: the state that it would leave.
type pending struct {
	of     *change
	seq    int64
	belief protocol.Belief // of a renewal
	lease  time.Duration   // of a renewal: what later ones keep
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
	var left [2]*Lock // sessions that it is certainly not under any more
	var unsure []*Lock
	now, bounds := l.c.clock.now(), l.c.clock.at()
	lapsed := false
	defer func() {
		if lapsed {
			_ = l.expire()
		}
		l.leave(left)
		for _, held := range unsure {
			l.c.schedule(held, now)
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
		l.shown(r)
	}
	if p.of.token != 0 {
		l.token = p.of.token
	}
	if p.of.moves != nil {
		l.session, l.moving, l.caps = p.of.moves, nil, nil
		l.belief = protocol.Belief{Sent: l.belief.Sent} // no end of its own
	}
	if p.of.renew {
		left = l.sessions()
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
	if !protocol.GoesOn(l.nonce, r) {
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
	l.shown(r)
	switch {
	case l.moving != nil && r.Session == l.moving.key:
		l.session, l.moving, l.caps = l.moving, nil, nil
		l.belief = protocol.Belief{Sent: l.belief.Sent}
	case l.session == nil: // a move of an older seq comes too late now
		l.moving = nil
	}
	l.mu.Unlock()
	if data, err := l.c.open(l.key, r); err == nil {
		l.mu.Lock()
		l.data = data
		l.mu.Unlock()
	}
	return nil
}

// shown notes what the tenure's record is now. l.mu is held.
func (l *Lock) shown(r *lockstore.Record) {
	l.seq, l.tokens = r.Seq, r.Token
	l.expires, l.promised, l.endless = r.Expires, r.Lease, endless(r)
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
