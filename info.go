package dynalock

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A State is what can be said of a lock.
type State = protocol.State

// The states of a [LockInfo].
const (
	StateHeld     = protocol.Held    // its lease, if it has one, certainly runs
	StateReleased = protocol.Free    // nobody holds it
	StateLapsed   = protocol.Lapsed  // its lease has certainly ended; nobody has taken it yet
	StateUnknown  = protocol.Unknown // its lease runs or ended too recently to tell from here
)

// LockInfo is what is known of a lock, whoever holds it.
type LockInfo struct {
	Key, Owner string // Owner: who holds it, or held it last
	Token      uint64 // fencing token; 0: the item has none
	State      State
	Since      time.Time     // when the holder last changed, to the second
	Expires    time.Time     // end of the lease in the store's time, unless renewed; zero: none
	Lease      time.Duration // 0: none
	Data       []byte        `json:"-"` // not by accident into a log
	DataErr    error         // why Data cannot be given: ErrDecrypt or ErrMalformed

	DeleteOnRelease bool
	Waiters         int // in the store's queue
}

// GetLock reads what is known of a lock: one consistent read, changing
// nothing. [ErrNotFound] if there is no item under the key; a released lock
// has one unless it was deleted.
func (c *Client) GetLock(ctx context.Context, key string) (*LockInfo, error) {
	if err := c.readyFor(ctx, key); err != nil {
		return nil, err
	}
	r, err := c.readNow(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, &keyed{ErrNotFound, key}
	}
	info := c.info(key, r)
	if r.Session != "" && !r.Released {
		if info.State, err = c.sessionState(ctx, r); err != nil {
			return nil, err
		}
	}
	return &info, nil
}

func (c *Client) info(key string, r *lockstore.Record) LockInfo {
	now, bounds := c.clock.now(), c.clock.at()
	seen := c.observation(key)
	info := LockInfo{
		Key: key, Owner: r.Owner, Token: uint64(r.Token),
		State: protocol.Judge(r, &seen, c.expiryBy(&bounds), now),
		Since: r.Since, DeleteOnRelease: r.DeleteOnRelease, Waiters: len(r.Queue),
	}
	if !r.Legacy() && !r.Released {
		info.Expires, info.Lease = r.Expires, r.Lease
	}
	info.Data, info.DataErr = c.open(key, r)
	return info
}

// A ListOption narrows or widens what [Client.Locks] gives.
type ListOption func(*listing)

type listing struct {
	released bool
	prefix   string
	owner    *string
	sessions map[string]State // read so far: one read a session, not a lock
}

// WithReleased gives released locks too. Default: only those that are held or
// whose lease ended without a release.
func WithReleased() ListOption { return func(l *listing) { l.released = true } }

// WithKeyPrefix gives only locks whose key begins so. It does not make the scan
// cheaper.
func WithKeyPrefix(prefix string) ListOption { return func(l *listing) { l.prefix = prefix } }

// WithOwner gives only locks of exactly that owner name.
func WithOwner(name string) ListOption { return func(l *listing) { l.owner = &name } }

// Locks gives the locks of the table, page by page as they are consumed, in no
// order. A lock of which nothing can be read comes with Key and DataErr, which
// matches [ErrMalformed]. An error comes once, as the last pair, with a zero
// LockInfo.
//
// It scans the table, eventually consistent: half a read unit for each 4 KB of
// all items in it, whatever the options leave out.
func (c *Client) Locks(ctx context.Context, opts ...ListOption) iter.Seq2[LockInfo, error] {
	return func(yield func(LockInfo, error) bool) {
		if err := c.list(ctx, opts, yield); err != nil {
			yield(LockInfo{}, err)
		}
	}
}

func (c *Client) list(ctx context.Context, opts []ListOption, yield func(LockInfo, error) bool) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	var l listing
	for _, o := range opts {
		if o == nil {
			return invalidOption("a nil ListOption")
		}
		o(&l)
	}
	l.sessions = map[string]State{}
	for after := ""; ; {
		if err := ended(ctx, nil); err != nil {
			return err
		}
		page, err := c.scan(ctx, lockstore.Query{Prefix: l.prefix, After: after})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			info, ok := c.listed(&l, item)
			if !ok {
				continue
			}
			if err := c.listSession(ctx, &l, item, &info); err != nil {
				return err
			}
			if !yield(info, nil) {
				return nil
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// listSession finds out the state of a lock that a session keeps alive.
func (c *Client) listSession(ctx context.Context, l *listing, item lockstore.Item, info *LockInfo) error {
	r := item.Record
	if r == nil || r.Session == "" || r.Released {
		return nil
	}
	state, known := l.sessions[r.Session]
	if !known {
		var err error
		if state, err = c.sessionState(ctx, r); err != nil {
			return err
		}
		l.sessions[r.Session] = state
	}
	info.State = state
	return nil
}

func (c *Client) scan(ctx context.Context, q lockstore.Query) (page lockstore.Page, err error) {
	err = c.retry(ctx, func(ctx context.Context) error {
		_, err := c.request(ctx, "scan", "", func(ctx context.Context) (lockstore.Result, error) {
			var err error
			page, err = c.store.Scan(ctx, q)
			return lockstore.Result{Time: page.Time, Units: page.Units}, err
		})
		return err
	})
	return page, err
}

// listed tells whether an item of a scan is asked for. Items under reserved
// keys are no locks.
func (c *Client) listed(l *listing, item lockstore.Item) (LockInfo, bool) {
	switch {
	case c.reserved(item.Key):
		return LockInfo{}, false
	case item.Err != nil:
		return LockInfo{Key: item.Key, State: StateUnknown, DataErr: item.Err}, l.owner == nil
	case item.Record == nil || item.Record.Released && !l.released:
		return LockInfo{}, false
	case l.owner != nil && item.Record.Owner != *l.owner:
		return LockInfo{}, false
	}
	return c.info(item.Key, item.Record), true
}

func (c *Client) reserved(key string) bool {
	return strings.HasPrefix(key, reservedPrefix) ||
		c.set.sessionKeyPrefix != "" && strings.HasPrefix(key, c.set.sessionKeyPrefix+reservedPrefix)
}
