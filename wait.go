package dynalock

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// wait acquires as soon as the lock can be had, within the caller's context
// and patience. While the lock is held it only reads, eventually consistent
// and with a jitter; it writes when a read shows that a write can succeed.
func (c *Client) wait(ctx context.Context, a *acquisition) (*Lock, error) {
	w := &waiter{c: c, a: a, pause: c.set.pollMin, caller: ctx}
	if a.patience != forever {
		w.until = a.began.Mono + a.patience
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.patience)
		defer cancel()
	}
	w.limit = ctx
	for {
		l, err := c.try(ctx, a)
		if err == nil {
			return l, nil
		}
		if !w.note(err) {
			if ctx.Err() != nil {
				return nil, w.over()
			}
			return nil, err
		}
		if err := w.untilFree(ctx); err != nil {
			return nil, err
		}
	}
}

// A waiter is an acquire that waits.
type waiter struct {
	c     *Client
	a     *acquisition
	until time.Duration // monotonic; 0: no limit
	// The context of the call, and the same with the limit of WaitFor.
	caller, limit context.Context
	pause         time.Duration // before the next read
	last          error         // why there is no lock yet: held, or the store's failure
	seen          lockstore.Nonce
	sure          bool // the last read seemed stale: the next one must be consistent
	fails         int  // reads or tries in a row that failed
}

// note keeps why the lock could not be had, and reports whether waiting helps.
func (w *waiter) note(err error) bool {
	held := errors.Is(err, ErrHeld)
	if !held && !transient(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	w.last = err
	if held {
		w.fails = 0
	} else {
		w.fails++
	}
	if !w.a.waited {
		w.a.waited = true
		if w.c.observed() {
			w.c.tell(w.caller, Event{Kind: EventWaiting, Key: w.a.key, Live: w.a.live, Err: err})
		}
	}
	return true
}

// untilFree returns when a write may succeed, or with the error of the call.
func (w *waiter) untilFree(ctx context.Context) error {
	for {
		if err := w.sleep(ctx); err != nil {
			return err
		}
		got, err := w.read(ctx)
		if e := w.over(); e != nil {
			return e
		}
		if err != nil {
			if !w.note(mask(err)) {
				return mask(err)
			}
			continue
		}
		if w.free(got) {
			return nil
		}
	}
}

func (w *waiter) read(ctx context.Context) (answer, error) {
	own, cancel := w.c.untilClosed(ctx)
	defer cancel()
	return w.c.read(own, w.a.key, lockstore.Consistency(w.sure))
}

// free reports whether what was read lets a write succeed, and plans the next
// read otherwise.
func (w *waiter) free(got answer) bool {
	c, r := w.c, got.Record
	w.fails = 0
	var seen protocol.Observation
	if w.sure {
		seen, w.sure = c.see(w.a.key, r, got.answered), false
	} else if seen, w.sure = c.glance(w.a.key, r, got.answered); w.sure {
		return false
	}
	if r == nil || r.Released {
		w.pause = c.set.pollMin
		return r == nil || len(r.Queue) == 0
	}
	if r.Nonce != w.seen {
		w.seen, w.pause = r.Nonce, c.set.pollMin
	}
	now, bounds := c.clock.now(), c.clock.at()
	w.last = c.heldError(w.a.key, r, false)
	return protocol.Takeable(r, &seen, c.expiryBy(&bounds), now) <= 0
}

// sleep waits for the next read: by the poll interval, sooner if the lease may
// end before, and not beyond the caller's patience.
func (w *waiter) sleep(ctx context.Context) error {
	c := w.c
	now := c.clock.now()
	d := c.jitter(w.pause*3/4, w.pause*5/4)
	w.pause = min(w.pause*3/2, c.set.pollMax)
	if w.fails > 0 {
		d = max(d, c.jitter(0, backoffMin<<min(w.fails, 5)))
	}
	var held *HeldError
	if errors.As(w.last, &held) && !held.RetryAt.IsZero() && held.Lease > 0 {
		d = min(d, max(held.RetryAt.Sub(now.Wall), 0)+c.jitter(time.Millisecond, c.set.pollMin))
	}
	if w.until > 0 {
		d = min(d, w.until-now.Mono)
	}
	if d > 0 {
		c.sleep(ctx, c.closing, d)
	}
	return w.over()
}

// over gives the error of a wait that has ended, or nil.
func (w *waiter) over() error {
	switch {
	case w.caller.Err() != nil:
		return ended(w.caller, w.last)
	case closed(w.c.closing):
		return ErrClosed
	case w.until == 0 || w.c.clock.now().Mono < w.until && w.limit.Err() == nil:
		return nil
	case w.last == nil:
		return unavailable("acquire", w.c, errors.New("no answer within the time to wait"))
	}
	return w.last
}
