package dynalock

import (
	"context"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// releaseBackoff is the longest pause between two tries of a release.
const releaseBackoff = time.Second

// An ending is a release under way, or how the last one ended.
type ending struct {
	done chan struct{} // closed when it is over
	err  error
}

// Release ends the tenure and frees the lock: one write. From the call on the
// handle is no longer held, whatever the answer. It may be repeated: a release
// that failed is sent again, one that succeeded is not, and of a lock that was
// lost the answer is its *[LostError], without a request.
//
// If ctx ends first, Release returns its error and goes on in the background,
// for at most 30 s.
func (l *Lock) Release(ctx context.Context) error {
	if ctx == nil {
		return invalidOption("the context is nil")
	}
	_ = l.Err() // what has expired by now is lost, not released
	if err := l.end(ErrReleased); err != ErrReleased {
		if r := l.endingNow(); r == nil {
			return err
		}
	}
	return l.finish(ctx)
}

func (l *Lock) endingNow() *ending {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ending
}

// finish joins the release under way or makes it.
func (l *Lock) finish(ctx context.Context) error {
	l.mu.Lock()
	r := l.ending
	mine := r == nil || closed(r.done) && again(r.err)
	if mine {
		r = &ending{done: make(chan struct{})}
		l.ending = r
	}
	l.mu.Unlock()
	if mine {
		l.runRelease(ctx, r)
	}
	if !closed(r.done) {
		select {
		case <-r.done:
		case <-ctx.Done():
			return ended(ctx, nil)
		}
	}
	if again(r.err) {
		return l.c.failure(ctx, r.err)
	}
	return r.err
}

// again reports whether a repeated Release sends anything.
func again(err error) bool {
	_, lost := err.(*LostError)
	return err != nil && !lost
}

// runRelease releases for its caller and, if that one's context ends before it
// is certain, goes on in the background.
func (l *Lock) runRelease(ctx context.Context, r *ending) {
	held := l.held()
	err := l.releaseNow(ctx)
	if err != nil && ctx.Err() != nil && again(err) && l.c.spawn(func(background context.Context) {
		l.released(ctx, r, held, l.releaseNow(background))
	}) {
		l.c.lineEnded(l)
		return
	}
	l.released(ctx, r, held, err)
}

// released ends a release and tells of it.
func (l *Lock) released(ctx context.Context, r *ending, held time.Duration, err error) {
	r.err = err
	close(r.done)
	l.leaveSessions()
	l.c.lineEnded(l)
	if again(err) {
		l.c.releaseFromSession(l)
	}
	if !l.c.observed() || l.members != nil {
		return
	}
	e := Event{Kind: EventReleased, Key: l.key, Owner: l.owner, Token: l.Token(), Live: l.live, Took: l.held() - held, Held: held, Err: mask(err)}
	if err != nil {
		e.Kind = EventReleaseFailed
	}
	l.c.tell(ctx, e)
}

// releaseNow frees the lock, and repeats that until it is certain, ctx ends,
// or cleanLimit is over.
func (l *Lock) releaseNow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	// Writes of this handle that are under way end with the belief.
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	if l.handOver(ctx) {
		return nil
	}
	for n := 0; ; n++ {
		over, err := l.tryRelease(ctx)
		if over {
			return err
		}
		if err == nil {
			continue // in another form, at once
		}
		pause := min(backoffMin<<min(n, 6), releaseBackoff)
		if !transient(err) || !l.c.sleep(ctx, nil, l.c.jitter(pause/2, pause)) {
			return err
		}
	}
}

// tryRelease sends one release. over: it is certain how the tenure ended.
func (l *Lock) tryRelease(ctx context.Context) (over bool, err error) {
	if l.keepsOthersOut() {
		l.askTime(ctx)
	}
	got, err := l.c.write(ctx, "release", l.key, l.releaseWrite())
	loss, by := protocol.LossReleased, l.owner
	defer func() {
		if over {
			l.c.over(l.key, l.nonce)
			l.endOthers(loss, by)
		}
	}()
	switch {
	case err != nil:
		l.doubt = l.doubt || unknown(err) // under the right to write, as all of a release
		return false, err
	case got.Applied:
		l.c.see(l.key, got.Record, got.answered)
		l.c.deleteLate(ctx, l.key, l.nonce, l.wantsDelete(), got.Record)
		return true, nil
	}
	l.c.see(l.key, got.Record, got.answered)
	why, who := protocol.WhyLost(l.nonce, got.Record)
	switch {
	case why == protocol.LossNone && l.keepItem():
		return false, nil // somebody stands in the queue: the item has to stay
	case why == protocol.LossNone:
		return true, &lockstore.Error{Kind: ErrMalformed, Op: "release", Advice: "the item refuses a release of its own tenure"}
	case l.doubt && !endedOtherwise(l.nonce, got.Record):
		return true, nil // by an earlier try, whose answer was lost
	}
	loss, by = why, who
	return true, &LostError{Key: l.key, Reason: reasons[why], By: by}
}

// deleteLate deletes an item that was to go with its tenure, and was kept for
// somebody who waited and has gone meanwhile.
func (c *Client) deleteLate(ctx context.Context, key string, nonce lockstore.Nonce, wanted bool, r *lockstore.Record) {
	if wanted && r != nil && r.Released && r.Nonce == nonce {
		_, _ = c.write(ctx, "release", key, protocol.DeleteFree(nonce))
	}
}

// askTime asks before a release with HoldAtLeast, for no more than half of the
// time that is left for both. Without an answer others are kept out for rather too
// long.
func (l *Lock) askTime(ctx context.Context) {
	if end, ok := ctx.Deadline(); ok {
		limited, cancel := context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
		ctx = limited
	}
	_ = l.c.askTime(ctx, l.key)
}

func (l *Lock) keepsOthersOut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.atLeast.IsZero()
}

func (l *Lock) wantsDelete() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delete
}

// endOthers ends what other handles of the same tenure this client has, for
// the reason that the release found.
func (l *Lock) endOthers(loss protocol.Loss, by string) {
	l.mu.Lock()
	shared := l.shared
	l.mu.Unlock()
	if !shared {
		return
	}
	for _, other := range l.c.handlesOf(l.key, l.nonce) {
		_ = other.lose(loss, by)
	}
}

// keepItem makes the release one that does not delete; false: it is already.
func (l *Lock) keepItem() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.delete && !l.keep
	l.keep = true
	return was
}

// releaseWrite is the write that ends the tenure. Only the release calls it,
// and only one at a time.
func (l *Lock) releaseWrite() lockstore.Write {
	now, bounds := l.c.clock.now(), l.c.clock.at()
	queued := l.c.waited(l.key)
	l.mu.Lock()
	end := tenureEnd{nonce: l.nonce, owner: l.owner, delete: l.delete && !l.keep && !queued, atLeast: l.atLeast}
	l.mu.Unlock()
	return l.c.endTenure(end, now, &bounds)
}

// A tenureEnd is what the release of a tenure needs to know of it.
type tenureEnd struct {
	nonce   lockstore.Nonce
	owner   string
	delete  bool
	atLeast time.Time
}

// endTenure gives the write: deleting, freeing or, before the end of
// HoldAtLeast, leaving the lock taken by nobody.
func (c *Client) endTenure(t tenureEnd, now protocol.Moment, bounds *protocol.Bounds) lockstore.Write {
	earliest, _ := bounds.Around(now)
	switch {
	case earliest.Before(t.atLeast):
		return protocol.LeaveHeld(t.nonce, c.newNonce(), t.owner,
			protocol.Rest(t.atLeast, earliest, c.set.retention), t.delete)
	case t.delete:
		return protocol.Delete(t.nonce)
	}
	return protocol.PassOn(t.nonce, t.owner, now.Wall, protocol.Claim(now, c.expiryBy(bounds)))
}

// unavailable is for time limits of this package.
func unavailable(op string, c *Client, err error) error {
	return &lockstore.Error{Kind: ErrUnavailable, Op: op, Scope: c.store.Info().Scope, Err: err}
}

// endedOtherwise reports whether the record says that not a release ended it.
func endedOtherwise(nonce lockstore.Nonce, r *lockstore.Record) bool {
	return r != nil && r.Last != nil && r.Last.Nonce == nonce && r.Last.How != lockstore.HowReleased
}
