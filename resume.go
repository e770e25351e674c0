package dynalock

import (
	"context"
	"errors"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// ResumeLock gives a handle to a lock that this client's owner name took
// elsewhere, such as in a process that died: with a new nonce and a higher
// token, so that a handle of the former process, if it lives, is superseded.
// It also works after the lease ran out, if nobody took the lock since. It
// never creates a lock: [ErrNotHeld] if it is free, [ErrOwnerMismatch] if
// another owner holds it.
//
// The lease, data and DeleteOnRelease stay as they are unless options say
// otherwise; the client's defaults do not count. One consistent read and one
// write.
func (c *Client) ResumeLock(ctx context.Context, key string, opts ...AcquireOption) (*Lock, error) {
	if err := c.readyFor(ctx, key); err != nil {
		return nil, err
	}
	w, err := gather(opts)
	switch {
	case err != nil:
		return nil, err
	case w.given&waits != 0:
		return nil, invalidOption("ResumeLock does not wait: the lock is this owner's already, or it fails")
	}
	r, err := c.readNow(ctx, key)
	if err != nil {
		return nil, err
	}
	a := &acquisition{
		key: key, live: w.has(optKeepAlive), delete: w.has(optDelete),
		atLeast: w.atLeast, atMost: w.atMost, plain: w.data, began: c.clock.now(),
	}
	if w.has(optData) {
		if a.data, err = c.seal(key, w.data); err != nil {
			return nil, err
		}
	}
	for range movesFollowed {
		if err := c.mayChange(key, r); err != nil {
			return nil, err
		}
		if a.lease, err = w.resolve(a.began.Wall, r.Lease); err != nil {
			return nil, err
		}
		if a.data == nil {
			// Before anything is changed: what cannot be read stays as it is.
			if _, err := c.open(key, r); err != nil {
				return nil, err
			}
		}
		if err := c.mark(ctx, r); err != nil {
			return nil, err
		}
		l, now, err := c.resume(ctx, a, r)
		c.markAgain(ctx, r)
		if l != nil && c.observed() {
			c.tell(ctx, Event{
				Kind: EventResumed, Key: key, Live: a.live, Lease: a.lease, Token: l.Token(),
				Took: c.clock.now().Mono - a.began.Mono, Tries: a.tries,
			})
		}
		if l != nil || err != nil {
			return l, err
		}
		if !sameTenure(r, now) {
			return nil, c.notHeld(key)
		}
		r = now
	}
	return nil, mask(unavailable("resume", c, errors.New("other writes of this tenure keep coming first")))
}

// resume goes on with the tenure that r shows. Without a handle and without an
// error, the record has changed to now.
func (c *Client) resume(ctx context.Context, a *acquisition, r *lockstore.Record) (l *Lock, now *lockstore.Record, err error) {
	t := c.newTry(a)
	t.tenure.DeleteOnRelease = a.delete || r.DeleteOnRelease
	t.resumes = r
	defer t.settle()
	var failed error
	err = c.retry(ctx, func(ctx context.Context) error {
		got, err := t.send(ctx)
		if err != nil {
			return err
		}
		belief, ok := t.tenure.Promise.Belief(got.asked), got.Applied
		if !ok {
			belief, ok = t.sent.Won(got.Record)
		}
		if now = got.Record; !ok {
			c.see(a.key, now, got.answered)
			return nil
		}
		for _, former := range c.handlesOf(a.key, r.Nonce) {
			_ = former.lose(protocol.LossSuperseded, c.set.owner)
		}
		l, failed = t.won(ctx, got.Record, belief)
		return nil
	})
	if err == nil {
		err = failed // not to be tried again: it is resumed
	}
	return l, now, err
}
