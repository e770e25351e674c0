package dynalock

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A try is one attempt to acquire under one nonce.
type try struct {
	c      *Client
	a      *acquisition
	tenure protocol.Tenure
	sent   protocol.Attempts
	over   *lockstore.Record // the lapsed tenure to take over; nil: acquire
	place  int               // in its queue; its length: outside
	own    bool              // over is what this client itself had left behind
	// resumes is the tenure of the same owner to go on with; nil: acquire.
	resumes *lockstore.Record
	began   protocol.Moment
	failed  int   // requests without an answer
	given   int64 // the token, once a handle was made
	doubt   bool  // the outcome of a request is unknown
}

func (c *Client) newTry(a *acquisition) *try {
	t := &try{c: c, a: a, began: c.clock.now()}
	t.tenure = protocol.Tenure{
		Owner: c.set.owner, Nonce: c.newNonce(), DeleteOnRelease: a.delete, Data: a.data,
	}
	return t
}

// send makes the next request of the try and notes when it was sent.
func (t *try) send(ctx context.Context) (answer, error) {
	c, a := t.c, t.a
	if a.atLeast != 0 {
		if err := c.askTime(ctx, a.key); err != nil {
			return answer{}, err
		}
	}
	now, bounds := c.clock.now(), c.clock.at()
	if err := a.leaseFrom(now); err != nil {
		return answer{}, err
	}
	t.tenure.Hold = protocol.HoldUntil(now, &bounds, a.atLeast)
	if t.resumes != nil && t.resumes.Hold.After(t.tenure.Hold) {
		t.tenure.Hold = t.resumes.Hold // promised to others
	}
	t.tenure.Promise = protocol.NewPromise(now, &bounds, a.lease, t.tenure.Hold, c.set.retention)
	t.tenure.Seq = t.sent.NextSeq()
	base := protocol.Base(now, &bounds, c.lastToken(a.key, now))
	step, w := "acquire", lockstore.Write{}
	switch {
	case t.resumes != nil:
		step, w = "resume", protocol.Resume(t.resumes, t.tenure, base, now.Wall)
	case t.over != nil:
		step, w = "take over", protocol.TakeOverQueued(t.over, t.place, t.tenure, base, now.Wall)
	default:
		var safe time.Time
		if !c.set.observeOnly && bounds.Fresh(now) {
			safe = bounds.Earliest(now)
		}
		w = protocol.Acquire(t.tenure, base, now.Wall, safe)
	}
	t.sent.Add(t.tenure, now)
	a.tries++
	got, err := c.write(ctx, step, a.key, w)
	// The lease counts from the reading of the clocks that the promise was
	// made with, which came first.
	got.asked = now
	if err != nil {
		t.doubt = t.doubt || unknown(err)
	}
	return got, err
}

// persist sends the request until it is answered, as often as one call may.
// belief is nil unless the lock is ours: by this answer, or by an earlier copy
// whose answer was lost.
func (t *try) persist(ctx context.Context) (got answer, belief *protocol.Belief, err error) {
	c := t.c
	for {
		got, err = t.send(ctx)
		if err == nil {
			break
		}
		if !transient(err) || t.failed+1 == callTries || c.clock.now().Mono-t.began.Mono >= callLimit ||
			!c.backoff(ctx, c.closing, t.failed, err) {
			return got, nil, err
		}
		t.failed++
	}
	if got.Applied {
		b := t.tenure.Promise.Belief(got.asked)
		return got, &b, nil
	}
	if b, ok := t.sent.Won(got.Record); ok {
		return got, &b, nil
	}
	return got, nil, nil
}

// next decides on a refused request whether another one can succeed now.
func (t *try) next(ctx context.Context, got answer) bool {
	r, c := got.Record, t.c
	t.over, t.own = nil, false
	if r != nil && r.Nonce == t.tenure.Nonce {
		// Ours, but not as any of our requests wrote it: changed or released
		// from outside while we did not know that we had it. It is not ours to
		// believe in.
		c.remember(t.a.key, t.tenure.Nonce, 0)
		t.tenure.Nonce, t.sent = c.newNonce(), protocol.Attempts{}
	}
	if r == nil || r.Released {
		c.see(t.a.key, r, got.answered)
		return r == nil || len(r.Queue) == 0
	}
	seen := c.see(t.a.key, r, got.answered)
	now, bounds := c.clock.now(), c.clock.at()
	if c.orphaned(t.a.key, r) {
		if len(r.Queue) > 0 { // theirs, before it is ours
			key, nonce := t.a.key, r.Nonce
			c.spawn(func(background context.Context) { c.clean(background, key, nonce, c.orphaned) })
			return false
		}
		t.over, t.place, t.own = r, 0, true
		return true
	}
	if r.Session != "" {
		left, err := c.sessionTurn(ctx, r, len(r.Queue))
		t.over, t.place = r, len(r.Queue)
		return err == nil && left <= 0
	}
	if protocol.Turn(r, len(r.Queue), &seen, c.expiryBy(&bounds), now) <= 0 {
		t.over, t.place = r, len(r.Queue)
		return true
	}
	return false
}

// expiryBy gives the bounds by which leases of others may be ended.
func (c *Client) expiryBy(b *protocol.Bounds) *protocol.Bounds {
	if c.set.observeOnly {
		return nil
	}
	return b
}

// held says who holds the lock. Of one that is free, and was lost in race after
// race, nobody does.
func (t *try) held(ctx context.Context, got answer) error {
	if r := got.Record; r == nil || r.Released {
		return unavailable("acquire", t.c, errors.Join(ctx.Err(), errors.New("others keep taking the lock first; try again")))
	}
	return t.c.heldError(t.a.key, got.Record, false)
}

// won makes the handle of a tenure that is known to be ours.
func (t *try) won(ctx context.Context, r *lockstore.Record, belief protocol.Belief) (*Lock, error) {
	c, a := t.c, t.a
	l := newLock(c, a, r, belief)
	doubt := t.doubt
	t.doubt = true // if a user's code panics: nobody has it then
	err := t.furnish(ctx, l, r)
	t.doubt = doubt
	token := l.token // before others have the handle
	l.tookOver = t.over != nil && !t.own
	if err == nil {
		err = c.adopt(l)
	}
	var lost *LostError
	if errors.As(err, &lost) {
		return nil, unavailable("acquire", c, lost) // before the answer came
	}
	if err != nil {
		if t.resumes == nil {
			c.giveBack(ctx, l, a.data == nil)
		}
		return nil, err
	}
	t.given = token
	c.outlived(a, l, r)
	return l, nil
}

// furnish gives a handle its data and what else it needs before anybody has it.
func (t *try) furnish(ctx context.Context, l *Lock, r *lockstore.Record) error {
	c, a := t.c, t.a
	if err := l.fill(a, r); err != nil {
		return err
	}
	now, bounds := c.clock.now(), c.clock.at()
	if l.belief.Left(now, &bounds) <= a.lease/2 && a.lease > 0 {
		// A slow answer, or the first of a process whose clock is behind: the
		// tenure is ours, and only the belief in it is short. It begins anew with
		// a renewal.
		l.belief = protocol.Belief{Sent: now}
		if err := l.change(ctx, &change{step: "renew", renew: true, lease: a.lease}); err != nil {
			return err
		}
	}
	return l.raiseToken(ctx, r)
}

// fill gives a new handle the data that was asked for or, without, what is
// stored.
func (l *Lock) fill(a *acquisition, r *lockstore.Record) (err error) {
	if l.data = a.plain; a.data == nil {
		l.data, err = l.c.open(a.key, r)
	}
	return err
}

// raiseToken gives the tenure that r shows a token of its own, if its token was
// seen before.
func (l *Lock) raiseToken(ctx context.Context, r *lockstore.Record) error {
	if last, taken := l.c.tokenTaken(l.key, r, l.c.clock.now()); taken {
		return l.change(ctx, &change{step: "raise token", token: last + 1})
	}
	return nil
}

// settle sees to it that nothing of the try is left behind: a request whose
// outcome is not known may still arrive, also after the tenure has ended.
func (t *try) settle() {
	// A resumed tenure is not to be released behind its owner's back: whoever
	// resumes again finds it.
	if t.doubt && t.resumes == nil {
		t.c.remember(t.a.key, t.tenure.Nonce, t.given)
	}
}
