package dynalock

import (
	"context"
	"log/slog"
	"time"
)

// An EventKind says what happened.
type EventKind string

// The kinds of events, and which fields each one sets beside Key and Owner.
const (
	EventRequest       EventKind = "request"        // one request was answered or failed: Step, Took, Units, Refused, Err
	EventAcquired      EventKind = "acquired"       // a lock was taken: Took, Waited, Tries, TakenOver, Live, Lease, Token
	EventResumed       EventKind = "resumed"        // by ResumeLock: Took, Tries, Live, Lease, Token
	EventHeld          EventKind = "held"           // an acquire ended because another holds it: Took, Waited, Tries, Err
	EventAcquireFailed EventKind = "acquire failed" // an acquire ended for any other reason: Took, Waited, Tries, Err
	EventWaiting       EventKind = "waiting"        // an acquire begins to wait: Err tells for whom
	EventRenewed       EventKind = "renewed"        // Took, Lease, Lag, Locks
	EventRenewFailed   EventKind = "renew failed"   // one try, which will be repeated: Took, Lease, Lag, Left, Locks, Err
	EventReleased      EventKind = "released"       // by its handle: Took, Held
	EventReleaseFailed EventKind = "release failed" // Took, Err; the lock may stay taken until its lease ends
	EventLost          EventKind = "lost"           // Held, Reason, Err
	EventCleaned       EventKind = "cleaned"        // what a request left behind that arrived late was released
)

// An Event tells an observer what happened. It carries no data, no nonce and
// no handle. More fields may come.
type Event struct {
	Kind  EventKind
	Key   string
	Owner string // this client's owner name
	Token uint64
	Live  bool // of a lock with KeepAlive

	Step    string        // acquire, take over, renew, update, release, get, scan ...
	Took    time.Duration // the call or request
	Waited  bool          // the acquire had to wait
	Tries   int           // writes that the acquire sent
	Held    time.Duration // since the acquire
	Lease   time.Duration // 0: none
	Lag     time.Duration // how late a renewal began by its schedule; repeated, by that of the first try
	Left    time.Duration // of the lease
	Locks   int           // kept alive by the renewal of a session, whose Key is a reserved one; 0: a lock's own
	Refused bool          // the request's condition did not hold

	Units     float64 // capacity that the request was charged: read units of get and scan, else write units
	Estimated bool    // the store did not report them; 0 then: nothing is known

	TakenOver bool // from a tenure whose lease had ended
	Reason    Reason
	Err       error
}

// observed reports whether anybody wants events of that kind: what nobody
// wants is not even put together.
func (c *Client) observed() bool { return len(c.set.observers) > 0 || c.set.logger != nil }

// later calls f behind what goes on now, one after the other: what an observer
// or a logger takes its time for must not delay a renewal or the news of a loss.
func (c *Client) later(f func()) { c.tellLater(f, false) }

// newsKept is how much waits for an observer that does not return, apart from
// losses.
const newsKept = 4096

func (c *Client) tellLater(f func(), loss bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.news) >= newsKept && !loss {
		return
	}
	c.news = append(c.news, f)
	if len(c.news) == 1 {
		go c.tellNews()
	}
}

func (c *Client) tellNews() {
	for {
		c.mu.Lock()
		f := c.news[0]
		c.mu.Unlock()
		f()
		c.mu.Lock()
		c.news = c.news[1:]
		if len(c.news) == 0 {
			c.news = nil
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// heldEvents are those of requests whose answers have to be acted on first.
type heldEvents struct{ events []Event }

type heldEventsKey struct{}

// behindKey marks the context of work behind the calls of users.
type behindKey struct{}

func (c *Client) holdEvents(ctx context.Context) (context.Context, *heldEvents) {
	if len(c.set.observers) == 0 {
		return ctx, nil // and nothing allocated
	}
	held := &heldEvents{}
	return context.WithValue(ctx, heldEventsKey{}, held), held
}

// tellRequest tells of a request now or, in a change of a lock, after it.
func (c *Client) tellRequest(ctx context.Context, e Event) {
	if held, ok := ctx.Value(heldEventsKey{}).(*heldEvents); ok {
		held.events = append(held.events, e)
		return
	}
	if ctx.Value(behindKey{}) != nil { // what others wait for, and no caller
		c.later(func() { c.tell(ctx, e) })
		return
	}
	c.tell(ctx, e)
}

func (c *Client) tellHeld(ctx context.Context, held *heldEvents, background bool) {
	if held == nil {
		return
	}
	for _, e := range held.events {
		if background {
			c.later(func() { c.tell(ctx, e) })
		} else {
			c.tell(ctx, e)
		}
	}
}

// tell passes an event on. No mutex may be held: observers may call back.
func (c *Client) tell(ctx context.Context, e Event) {
	if e.Owner == "" {
		e.Owner = c.set.owner
	}
	if ctx == nil {
		ctx = context.Background()
	}
	c.log(ctx, e)
	for _, observe := range c.set.observers {
		call(ctx, observe, e)
	}
}

// call keeps a panic of the user's code away from renewals.
func call(ctx context.Context, observe func(context.Context, Event), e Event) {
	defer func() { _ = recover() }()
	observe(ctx, e)
}

// log writes transitions only: a lock that is taken, held and released in
// peace says nothing above debug level.
func (c *Client) log(ctx context.Context, e Event) {
	if c.set.logger == nil {
		return
	}
	level, text := slog.LevelDebug, ""
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.String("key", e.Key), slog.String("owner", e.Owner))
	switch e.Kind {
	case EventAcquired:
		text = "lock acquired"
		if e.TakenOver {
			level, text = slog.LevelInfo, "lock taken over from a holder whose lease had ended"
		}
		attrs = append(attrs, slog.Duration("took", e.Took))
	case EventResumed:
		text = "lock resumed"
		attrs = append(attrs, slog.Duration("took", e.Took))
	case EventHeld:
		text = "lock is held by another"
	case EventWaiting:
		text = "waiting for lock"
	case EventReleased:
		text = "lock released"
		attrs = append(attrs, slog.Duration("held", e.Held))
	case EventReleaseFailed:
		level, text = slog.LevelWarn, "lock could not be released; it may stay taken until its lease ends"
	case EventAcquireFailed:
		text = "acquire failed" // the caller has the error
	case EventLost:
		level, text = slog.LevelError, "lock lost"
		attrs = append(attrs, slog.String("cause", string(e.Reason)), slog.Duration("held", e.Held))
	case EventCleaned:
		level, text = slog.LevelInfo, "released a lock that a late request had taken"
	default: // requests and renewals: see noteRenewal
		return
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	c.set.logger.LogAttrs(ctx, level, text, attrs...)
}

// logRenewal says once that renewals fail and once that they work again.
func (c *Client) logRenewal(l *Lock, failing bool, left time.Duration, err error) {
	if c.set.logger == nil {
		return
	}
	attrs := []slog.Attr{slog.String("key", l.key), slog.String("owner", c.set.owner)}
	if l.members != nil { // the session's own key tells nobody anything
		locks := l.members.all()
		if len(locks) == 0 {
			return
		}
		attrs[0] = slog.String("key", locks[0].key)
		if len(locks) > 1 {
			attrs = append(attrs, slog.Int("locks", len(locks)))
		}
	}
	level, text := slog.LevelInfo, "lock is renewed again"
	if failing {
		level, text = slog.LevelWarn, "lock cannot be renewed at present; still held"
		attrs = append(attrs, slog.Duration("left", left), slog.String("error", err.Error()))
	}
	c.set.logger.LogAttrs(context.Background(), level, text, attrs...)
}
