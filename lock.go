package dynalock

import (
	"context"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A Lock is a handle to one tenure of a lock: one acquisition, until it is
// released or lost. It is safe for concurrent use.
//
// Held, Done and Err go by what can be proved with the local clocks and what
// was written, never by the return of a call. Once a handle has ended it never
// comes back.
type Lock struct {
	c      *Client
	key    string
	owner  string
	nonce  lockstore.Nonce
	live   bool
	delete bool

	atLeast  time.Time     // end of HoldAtLeast in the store's time; zero: none
	atMost   time.Duration // monotonic moment of HoldAtMost's end; 0: none
	began    protocol.Moment
	tookOver bool

	writing chan struct{} // holds one: the right to write for this tenure
	done    chan struct{}

	mu       sync.Mutex
	token    int64
	tokens   int64 // the highest that is reserved for this tenure: the item's
	seq      int64
	lease    time.Duration
	belief   protocol.Belief
	caps     []*pending    // shortening writes that may have been made
	expires  time.Time     // in the record at seq
	promised time.Duration // the lease in it
	endless  bool          // the record at seq promises no end at all
	pending  []*pending    // writes whose outcome is unknown
	session  *Lock         // keeps it alive instead of renewals of its own; nil: nothing
	moving   *Lock         // a session that it may be under, by a write of unknown outcome
	keep     bool          // somebody waits: the release must not delete
	passed   bool          // the tenure goes on under a handle of its own
	pinned   bool          // its nonce may be used elsewhere: not handed over without a write
	members  *members      // of a session
	shared   bool          // other handles may renew this tenure
	doubt    bool          // a release was sent whose outcome is unknown
	data     []byte
	err      error // why it ended
	cancels  map[*context.CancelCauseFunc]struct{}
	warnings []warning
	ending   *ending // the release under way, or the last one

	renewal renewal
	alarm   alarm
}

func newLock(c *Client, a *acquisition, r *lockstore.Record, belief protocol.Belief) *Lock {
	l := &Lock{
		c: c, key: a.key, owner: r.Owner, nonce: r.Nonce, live: a.live, delete: r.DeleteOnRelease,
		atLeast: r.Hold, began: belief.Sent,
		token: r.Token, lease: a.lease, belief: belief,
		writing: make(chan struct{}, 1),
		done:    make(chan struct{}),
		members: a.members,
	}
	l.shown(r)
	if a.atMost > 0 {
		l.atMost = belief.Sent.Mono + a.atMost
	}
	return l
}

// endless reports a tenure that nothing but a release ends.
func endless(r *lockstore.Record) bool { return r.Lease == 0 && r.Session == "" }

// Key is the lock's key.
func (l *Lock) Key() string { return l.key }

// Owner is the owner name that the tenure was taken under.
func (l *Lock) Owner() string { return l.owner }

// Token is the fencing token: higher than that of every earlier tenure of the
// key as long as its item was not deleted. It never changes.
func (l *Lock) Token() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(l.token)
}

// Data is a copy of the data stored with the lock, as last read or written by
// this handle.
func (l *Lock) Data() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return clone(l.data)
}

// Deadline is until when, by the local wall clock, the lock is certainly held
// if nothing renews it. The zero time stands for a lock without a lease, and
// for one that has ended the time is past.
func (l *Lock) Deadline() time.Time {
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.left(now, &bounds)
	if left == protocol.Forever {
		return time.Time{}
	}
	return now.Wall.Add(left)
}

// Held reports whether the lock is certainly held now.
func (l *Lock) Held() bool { return l.Err() == nil }

// Done is closed when the tenure has ended in any way; Err says how.
func (l *Lock) Done() <-chan struct{} { return l.done }

// Err is nil while the lock is held; then [ErrReleased], [ErrClosed] or a
// *[LostError].
func (l *Lock) Err() error {
	// Not left to the timer: this process may have been frozen until now.
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	expired := l.err == nil && l.left(now, &bounds) <= 0
	err := l.err
	l.mu.Unlock()
	if expired {
		return l.expire()
	}
	return err
}

// left is how much longer the lock is certainly held, with l.mu held.
func (l *Lock) left(now protocol.Moment, bounds *protocol.Bounds) time.Duration {
	if l.err != nil {
		return 0
	}
	return l.proved(now, bounds)
}

// proved is how much longer the tenure certainly lasts, whether or not the
// handle has ended, with l.mu held.
func (l *Lock) proved(now protocol.Moment, bounds *protocol.Bounds) time.Duration {
	left := l.belief.Left(now, bounds)
	for _, s := range l.sessions() {
		if s != nil {
			left = min(left, s.leftOf(now, bounds), s.members.left(l, now, bounds))
		}
	}
	for _, p := range l.caps {
		left = min(left, p.belief.Left(now, bounds))
	}
	if l.atMost > 0 {
		left = min(left, l.atMost-now.Mono)
	}
	return left
}

// leftOf is left for whoever does not have l.mu.
func (l *Lock) leftOf(now protocol.Moment, bounds *protocol.Bounds) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left(now, bounds)
}

// expire ends a belief that can no longer be proved.
func (l *Lock) expire() error {
	now := l.c.clock.now()
	l.mu.Lock()
	lost := &LostError{Key: l.key, Reason: ReasonExpired, Err: l.renewal.failed}
	for _, s := range l.sessions() {
		if s != nil && lost.Err == nil {
			lost.Err = s.lastFailure()
		}
	}
	if l.atMost > 0 && now.Mono >= l.atMost {
		lost.Reason, lost.Err = ReasonHeldTooLong, nil
	}
	l.mu.Unlock()
	err := l.end(lost)
	if err == error(lost) {
		l.c.releaseFromSession(l)
		l.releaseUnproved()
	}
	return err
}

// releaseUnproved sees to a tenure whose record may promise more than anybody
// believes: where a write that was to shorten it was not made, or one was made
// that made it longer, and its answer was lost.
func (l *Lock) releaseUnproved() {
	l.mu.Lock()
	longer := l.endless
	for _, p := range l.pending {
		longer = longer || p.of.renew && p.of.moves == nil && (p.belief.Lease == 0 || p.belief.Lease > l.lease)
	}
	longer = longer && !l.shared
	l.mu.Unlock()
	if longer {
		l.c.remember(l.key, l.nonce, 0)
	}
}

// lose ends the tenure for a reason that the store told.
func (l *Lock) lose(why protocol.Loss, by string) error {
	l.c.over(l.key, l.nonce)
	return l.end(&LostError{Key: l.key, Reason: reasons[why], By: by})
}

// end ends the belief, once, and gives what it ended with.
func (l *Lock) end(err error) error {
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return l.err
	}
	l.err = err
	close(l.done)
	for _, w := range l.warnings {
		close(w.ch)
	}
	cancels := l.cancels
	l.warnings, l.cancels = nil, nil
	l.renewal.stop()
	l.mu.Unlock()
	for cancel := range cancels {
		(*cancel)(err)
	}
	l.c.drop(l)
	if err != ErrReleased || l.members != nil { // a release hands over first
		l.c.sessionEnded(l)
	}
	if l.members != nil {
		return err // of no interest to anybody
	}
	if err != ErrReleased {
		l.c.lineEnded(l)
	}
	if lost, ok := err.(*LostError); ok && l.c.observed() {
		e := Event{
			Kind: EventLost, Key: l.key, Owner: l.owner, Token: l.Token(), Live: l.live,
			Held: l.held(), Reason: lost.Reason, Err: lost,
		}
		l.c.tellLater(func() { l.c.tell(context.Background(), e) }, true)
	}
	return err
}

// drop takes a handle that ended out of what the client looks after.
func (c *Client) drop(l *Lock) {
	c.alarms.remove(&l.alarm)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.locks, l)
	if k := c.keys[l.key]; k != nil && k.handle == l {
		k.handle = nil
	}
}

func (l *Lock) held() time.Duration { return l.c.clock.now().Mono - l.began.Mono }

// Context gives a copy of parent that ends with the tenure too; context.Cause
// then says how it ended. Call the function when the work is done, as with
// context.WithCancel. The parent itself is never touched.
func (l *Lock) Context(parent context.Context) (context.Context, context.CancelFunc) {
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithCancelCause(parent)
	if err := l.Err(); err != nil {
		cancel(err)
		return ctx, func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		cancel(l.err)
		return ctx, func() {}
	}
	if l.cancels == nil {
		l.cancels = map[*context.CancelCauseFunc]struct{}{}
	}
	entry := &cancel
	l.cancels[entry] = struct{}{}
	return ctx, func() {
		l.mu.Lock()
		delete(l.cancels, entry)
		l.mu.Unlock()
		cancel(context.Canceled)
	}
}
