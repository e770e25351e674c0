package dynalock

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A request to acquire, put together from the options.
type acquisition struct {
	key      string
	lease    time.Duration // 0: none
	leaseOf  *wishes       // of LeaseFromContext: the lease counts from each try
	live     bool
	delete   bool
	atLeast  time.Duration
	atMost   time.Duration
	data     *lockstore.SetData // sealed; nil: the former data stays
	plain    []byte
	patience time.Duration
	members  *members // of a session
	former   *Lock    // the client's handle when the call began; nil: none
	began    protocol.Moment

	tries  int
	waited bool
}

// AcquireLock takes the lock of that key, for this client's owner name. It
// tries once and answers at once, with a *[HeldError] if another tenure holds
// the lock, also one of the same owner name or client; [Wait] and [WaitFor]
// make it wait. By default the lock is durable: it lasts [DefaultLease],
// whatever becomes of the process.
//
// It costs one write; two if it takes over a lock whose holder died, and while
// it waits reads instead of writes. If ctx ends first, the call returns at
// once, and what it may have taken is released in the background.
func (c *Client) AcquireLock(ctx context.Context, key string, opts ...AcquireOption) (*Lock, error) {
	if err := c.readyFor(ctx, key); err != nil {
		return nil, err
	}
	a, err := c.ask(key, opts)
	if err != nil {
		return nil, err
	}
	l, err := c.acquire(ctx, a)
	if c.observed() {
		c.tellAcquire(ctx, a, l, err)
	}
	return l, err
}

// ask judges the options of a call.
func (c *Client) ask(key string, opts []AcquireOption) (*acquisition, error) {
	w, err := gather(opts)
	if err != nil {
		return nil, err
	}
	w = w.over(c.set.defaults)
	now := c.clock.now()
	lease, err := w.resolve(now.Wall, DefaultLease)
	if err != nil {
		return nil, err
	}
	a := &acquisition{
		key: key, lease: lease, live: w.has(optKeepAlive), delete: w.has(optDelete),
		atLeast: w.atLeast, atMost: w.atMost, patience: w.patience(), former: c.handleOf(key), began: now,
	}
	if w.has(optLeaseFromContext) {
		a.leaseOf = &w
	}
	if w.has(optData) {
		a.plain = w.data
		if a.data, err = c.seal(key, w.data); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// leaseFrom counts the lease of LeaseFromContext anew. An error: the wait took
// too long, and nothing is left to hold.
func (a *acquisition) leaseFrom(now protocol.Moment) error {
	if a.leaseOf == nil {
		return nil
	}
	lease, err := a.leaseOf.leaseByContext(now.Wall)
	if err == nil {
		a.lease = lease
	}
	return err
}

func (c *Client) acquire(ctx context.Context, a *acquisition) (*Lock, error) {
	if a.patience > 0 {
		return c.wait(ctx, a)
	}
	return c.try(ctx, a)
}

// try sends what one try needs: an acquire and, if the holder's lease turns
// out to have ended, a takeover. If the caller's context ends meanwhile, what
// was sent is settled behind the call.
func (c *Client) try(ctx context.Context, a *acquisition) (*Lock, error) {
	if !c.enter() {
		return nil, ErrClosed
	}
	defer c.workDone()
	own, cancel := c.untilClosed(ctx)
	defer cancel()
	l, err := c.tryNow(own, a)
	switch {
	case l != nil && ctx.Err() != nil:
		// Never both: the caller may have looked at its context only.
		c.giveBack(ctx, l, a.data == nil)
		return nil, ended(ctx, nil)
	case l != nil:
		return l, nil
	case ctx.Err() == nil && closed(c.closing):
		return nil, ErrClosed
	case errors.Is(err, ErrHeld):
		return nil, err
	}
	return nil, c.failure(ctx, err)
}

func (c *Client) tryNow(ctx context.Context, a *acquisition) (*Lock, error) {
	t := c.newTry(a)
	defer t.settle()
	for lost := 0; ; {
		got, belief, err := t.persist(ctx)
		switch {
		case err != nil:
			return nil, err
		case belief != nil:
			return t.won(ctx, got.Record, *belief)
		}
		// A lock that looks free was lost in a race; one that can be taken
		// over is, now that the answer showed it.
		if again := t.next(ctx, got); !again || lost == racesLost || ctx.Err() != nil {
			return nil, t.held(ctx, got)
		}
		lost++
	}
}

// adopt makes a handle one of the client's, unless its belief ended before
// the answer arrived or the client was closed.
func (c *Client) adopt(l *Lock) error {
	now, bounds := c.clock.now(), c.clock.at()
	l.mu.Lock()
	left := l.belief.Left(now, &bounds)
	l.mu.Unlock()
	if left <= 0 {
		return &lockstore.Error{
			Kind: ErrUnavailable, Op: "acquire", Scope: c.store.Info().Scope,
			Advice: "the answer came after the lease had ended; try again, or with a longer lease",
		}
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	if closed(l.done) { // before it was received
		c.mu.Unlock()
		return l.Err()
	}
	c.locks[l] = struct{}{}
	k := c.key(l.key, now)
	k.handle, k.own = l, l.nonce
	c.mu.Unlock()
	l.start(now)
	return nil
}

// outlived ends the handles of the tenure that this client had when the call
// began: what it has got now, as r shows, is a later one. (The former was ended
// from outside, which its handles would have learned with their next request.)
func (c *Client) outlived(a *acquisition, l *Lock, r *lockstore.Record) {
	if a.former == nil || a.former.nonce == l.nonce || closed(a.former.done) && !a.former.handedOver() {
		return
	}
	why, by := protocol.WhyLost(a.former.nonce, r)
	for _, h := range c.handlesOf(a.key, a.former.nonce) {
		_ = h.lose(why, by)
	}
}

// giveBack releases a tenure that its caller did not get: at once if there is
// time, otherwise in the background. keep: whatever data is stored stays,
// though the lock was to be deleted.
func (c *Client) giveBack(ctx context.Context, l *Lock, keep bool) {
	l.mu.Lock()
	if keep {
		l.delete = false
	}
	l.atLeast = time.Time{} // nobody did the work that others were to be kept from
	l.mu.Unlock()
	_ = l.end(ErrReleased)
	l.leaveSessions()
	if ctx.Err() == nil && l.tryGiveBack(ctx) {
		return
	}
	c.remember(l.key, l.nonce, 0)
	c.spawn(func(background context.Context) { _ = l.releaseNow(background) })
}

// tryGiveBack makes one try of a release.
func (l *Lock) tryGiveBack(ctx context.Context) bool {
	if l.take(ctx) != nil {
		return false
	}
	defer l.give()
	over, _ := l.tryRelease(ctx)
	return over
}

func closed(quit <-chan struct{}) bool {
	select {
	case <-quit:
		return true
	default:
		return false
	}
}

func (c *Client) tellAcquire(ctx context.Context, a *acquisition, l *Lock, err error) {
	e := Event{
		Kind: EventAcquired, Key: a.key, Live: a.live, Lease: a.lease, Waited: a.waited, Tries: a.tries,
		Took: c.clock.now().Mono - a.began.Mono, Err: err,
	}
	switch {
	case err == nil:
		e.Token, e.TakenOver = l.Token(), l.tookOver
	case errors.Is(err, ErrHeld):
		e.Kind = EventHeld
	default:
		e.Kind = EventAcquireFailed
	}
	c.tell(ctx, e)
}
