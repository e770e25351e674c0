package dynalock

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A waiter is an acquire that waits: in the store's queue, first come first
// served, or outside it while that is full.
type waiter struct {
	c     *Client
	a     *acquisition
	until time.Duration // monotonic; 0: no limit
	// The context of the call, and the same with the limit of WaitFor.
	caller, limit context.Context
	pause         time.Duration // before the next read
	last          error         // why there is no lock yet: held, or the store's failure
	fails         int           // reads or tries in a row that failed
	sure          bool          // the last read seemed stale: the next one must be consistent
	room          bool          // the last read showed room in the queue: no try before joining

	id    lockstore.Nonce // the place in the queue, and the nonce if it is granted
	place int             // in the queue; -1: not in it
	ahead int             // how many wait before us, in the queue or out of it
	seen  lockstore.Nonce // the holder last seen
}

// wait acquires as soon as the lock can be had, within the caller's context
// and patience. It writes to join the queue, or when a read shows that a write
// can succeed; while it waits it only reads.
func (c *Client) wait(ctx context.Context, a *acquisition) (*Lock, error) {
	if !c.enter() { // what it leaves behind, Close waits for
		return nil, ErrClosed
	}
	defer c.workDone()
	w := &waiter{c: c, a: a, place: -1, caller: ctx}
	if a.patience != forever {
		w.until = a.began.Mono + a.patience
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.patience)
		defer cancel()
	}
	w.limit = ctx
	if c.polls {
		return w.deal(ctx)
	}
	var passed, got *Lock
	if s := c.enterLine(a); s != nil {
		l, turn, err := w.stand(s)
		if !turn {
			return nil, err
		}
		passed = l
	}
	// Also if a user's code panics, in decrypting what is stored.
	defer func() {
		w.leave()
		c.dealt(a.key, got)
	}()
	if passed != nil {
		if l, err := w.received(passed); l != nil || err != nil {
			got = l
			return l, err
		}
	}
	l, err := w.deal(ctx)
	got = l
	return l, err
}

// deal waits for the lock at the store.
func (w *waiter) deal(ctx context.Context) (*Lock, error) {
	c, a := w.c, w.a
	straight := !c.polls && c.contended(a.key)
	for {
		if !straight {
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
		}
		l, err := w.untilFree(ctx)
		straight, w.room = w.room, false
		if l != nil || err != nil {
			return l, err
		}
	}
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

// untilFree waits in the queue or, while that is full, beside it. It gives the
// lock that was handed over or taken over; nothing where a new try may
// succeed; or the error of the call.
func (w *waiter) untilFree(ctx context.Context) (*Lock, error) {
	if !w.c.polls {
		if again, err := w.join(ctx); again || err != nil {
			return nil, err
		}
	}
	if w.place >= 0 || w.pause == 0 {
		w.pause = w.c.set.pollMin
	}
	for {
		if err := w.sleep(ctx); err != nil {
			w.leave()
			return nil, err
		}
		l, again, err := w.look(ctx)
		if l != nil || again || err != nil {
			if l == nil {
				w.leave()
			}
			return l, err
		}
	}
}

// look reads once and acts on what it shows.
func (w *waiter) look(ctx context.Context) (l *Lock, again bool, err error) {
	got, err := w.read(ctx, lockstore.Consistency(w.sure))
	if e := w.over(); e != nil {
		return nil, false, e
	}
	if err != nil {
		return nil, false, w.failed(err)
	}
	w.fails = 0
	var seen protocol.Observation
	if w.sure {
		seen, w.sure = w.c.see(w.a.key, got.Record, got.answered), false
	} else if seen, w.sure = w.c.glance(w.a.key, got.Record, got.answered); w.sure {
		if got.Record == nil {
			return w.look(ctx) // at once: the lock is free, if that is true
		}
		return nil, false, nil
	}
	w.holder(got.Record)
	if w.place >= 0 {
		w.c.timed(w.a.key, got, got.Record != nil && got.Record.Nonce == w.id)
		return w.inQueue(ctx, got, &seen)
	}
	return w.outside(ctx, got, &seen)
}

func (w *waiter) read(ctx context.Context, how lockstore.Consistency) (answer, error) {
	own, cancel := w.c.untilClosed(ctx)
	defer cancel()
	return w.c.read(own, w.a.key, how)
}

// outside is for one who is in no queue.
func (w *waiter) outside(ctx context.Context, got answer, seen *protocol.Observation) (l *Lock, again bool, err error) {
	c, r := w.c, got.Record
	switch {
	case r == nil, r.Released && len(r.Queue) == 0:
		return nil, true, nil
	case !c.polls && !r.Released && !r.Legacy() && len(r.Queue) < protocol.QueueBound:
		w.room = true
		return nil, true, nil
	}
	w.last, w.ahead = c.heldError(w.a.key, r, false), len(r.Queue)
	if mine, err := w.myTurn(ctx, r, len(r.Queue), seen); !mine || err != nil {
		return nil, false, err
	}
	if len(r.Queue) == 0 && r.Session == "" {
		return nil, true, nil // a try takes it over
	}
	return w.takeOver(ctx, r, len(r.Queue))
}

// holder resets the polling when the lock changed hands.
func (w *waiter) holder(r *lockstore.Record) {
	var nonce lockstore.Nonce
	if r != nil && !r.Released {
		nonce = r.Nonce
	}
	if nonce == w.seen {
		return
	}
	w.seen = nonce
	if w.place >= 0 || w.c.polls || nonce == "" { // it is not the turn of those outside
		w.pause = w.c.set.pollMin
	}
}

// sleep waits for the next read: by the poll interval, sooner if the lease may
// end before, and not beyond the caller's patience.
func (w *waiter) sleep(ctx context.Context) error {
	c := w.c
	now := c.clock.now()
	d := w.interval(now)
	if w.fails > 0 {
		d = max(d, c.jitter(0, backoffMin<<min(w.fails, 5)))
	}
	var held *HeldError
	if errors.As(w.last, &held) && !held.RetryAt.IsZero() && held.Lease > 0 {
		// Each place has its turn a claim window after the one before. A turn that
		// has come and gone is no reason to hurry.
		turn := held.RetryAt.Sub(now.Wall) + time.Duration(w.ahead)*protocol.ClaimWindow
		spread := c.set.pollMin
		if w.ahead > 0 { // many may wait for the same moment
			spread = c.set.pollMax
		}
		if turn > 0 || w.ahead == 0 {
			d = min(d, max(turn, 0)+c.jitter(time.Millisecond, spread))
		}
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
