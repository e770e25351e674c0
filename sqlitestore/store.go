package sqlitestore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Store is one SQLite file of lock records. Make one with [Open]; it is safe
// for concurrent use.
type Store struct {
	path    string // absolute, no symbolic links
	scope   string
	timeout time.Duration
	// grace is how long a call whose context ended waits for a commit that is
	// under way: a certain answer spares the client from looking for it later.
	grace   time.Duration
	normal  bool
	now     func() time.Time
	vfs     string   // for tests; empty: the system's files
	pragmas []string // for tests

	file os.FileInfo // what path was when it was opened
	pool
}

var _ lockstore.Store = (*Store)(nil)

// What DynamoDB allows, so that a program that runs here does there, too:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxItem = 400 << 10 // bytes, with the names of the attributes
	maxKey  = 2048      // bytes
	// overhead is what a record takes beside its key, owner and data.
	overhead = 1 << 10
)

// A page of a scan ends at whichever comes first, so that a scan takes the
// same memory for few large records as for many small ones.
const (
	pageRecords = 1000
	pageBytes   = 1 << 20 // may be exceeded by one record
)

// Info says what the store is. All processes read one clock, so the margin is 0.
func (s *Store) Info() lockstore.Info { return lockstore.Info{Scope: s.scope} }

// Get reads the record under key; every read is consistent, and none waits
// for a writer.
func (s *Store) Get(ctx context.Context, key string, _ lockstore.Consistency) (lockstore.Result, error) {
	if err := s.checkKey(ctx, "Get", key); err != nil {
		return lockstore.Result{}, err
	}
	res, err := run(ctx, s, "Get", false, func(ctx context.Context, c *conn, _ *gate) (res lockstore.Result, err error) {
		err = retry(ctx, func() (err error) {
			res.Time.Earliest = s.time()
			res.Record, err = c.load(key)
			return err
		})
		return res, err
	})
	s.bound(&res.Time)
	return res, err
}

// Write applies w to the record under key if w.If holds. It waits its turn
// among this process's writers, and tries again while another process writes.
func (s *Store) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	if err := s.checkKey(ctx, "Write", key); err != nil {
		return lockstore.Result{}, err
	}
	w = clone(w)
	res, err := run(ctx, s, "Write", true, func(ctx context.Context, c *conn, g *gate) (lockstore.Result, error) {
		if err := retry(ctx, func() error { return c.exec(beginSQL) }); err != nil {
			return lockstore.Result{}, err
		}
		defer c.rollback() // does nothing after a commit
		return s.step(ctx, c, g, key, w)
	})
	s.bound(&res.Time)
	return res, err
}

// clone lets the caller have back what it gave: a call whose context ends
// returns while the work goes on.
func clone(w lockstore.Write) lockstore.Write {
	w.If = slices.Clone(w.If)
	for i := range w.If {
		w.If[i] = slices.Clone(w.If[i])
	}
	w.Do = slices.Clone(w.Do)
	for i, change := range w.Do {
		if data, ok := change.(lockstore.SetData); ok {
			data.Bytes = bytes.Clone(data.Bytes)
			w.Do[i] = data
		}
	}
	return w
}

// step is what Write does while it holds the file's write lock.
func (s *Store) step(ctx context.Context, c *conn, g *gate, key string, w lockstore.Write) (lockstore.Result, error) {
	res := lockstore.Result{Time: lockstore.TimeBounds{Earliest: s.time()}}
	before, err := c.load(key)
	if err != nil {
		return res, err
	}
	ok, err := w.If.Holds(before)
	if err != nil {
		return res, s.refuse("Write", lockstore.ErrInvalidRequest, err)
	}
	if !ok {
		res.Record = before
		return res, nil
	}
	after, err := w.Apply(before)
	if err != nil {
		return res, s.refuse("Write", lockstore.ErrInvalidRequest, err)
	}
	if after != nil && len(key)+len(after.Owner)+len(after.Data)+overhead > maxItem {
		return res, s.refuse("Write", lockstore.ErrDataTooLarge, nil)
	}
	if err := c.store(key, after); err != nil {
		return res, err
	}
	if err := c.commit(ctx, g); err != nil {
		return res, err
	}
	res.Applied, res.Record = true, after
	return res, nil
}

// Scan reads one page, in the order of the keys' bytes. A key that is there
// during the whole scan is seen exactly once, whatever happens to others
// meanwhile. A page has at most 1,000 records and about 1 MB.
func (s *Store) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	if err := ctx.Err(); err != nil {
		return lockstore.Page{}, s.fail("Scan", err, false)
	}
	limit := pageRecords
	if q.Limit > 0 && q.Limit < limit {
		limit = q.Limit
	}
	page, err := run(ctx, s, "Scan", false, func(ctx context.Context, c *conn, _ *gate) (page lockstore.Page, err error) {
		err = retry(ctx, func() (err error) {
			from := s.time()
			page, err = c.scan(q, limit)
			page.Time.Earliest = from
			return err
		})
		return page, err
	})
	for i, item := range page.Items {
		if item.Err != nil {
			page.Items[i].Err = s.fail("Scan", item.Err, false)
		}
	}
	s.bound(&page.Time)
	return page, err
}

// checkKey answers for requests that are refused before anything is asked.
func (s *Store) checkKey(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return s.fail(op, err, false)
	}
	if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
		return s.refuse(op, lockstore.ErrInvalidRequest, errKey)
	}
	return nil
}

var errKey = errors.New("a key has 1 to 2048 bytes of valid UTF-8")

// time is wall time: a monotonic reading would mean nothing to others.
func (s *Store) time() time.Time { return s.now().Round(0).UTC() }

// bound completes the time of an answer, as late as can be. Somebody may set
// the wall clock during a call, so the two readings may be the wrong way round.
func (s *Store) bound(b *lockstore.TimeBounds) {
	if !b.Known() {
		return // an error that came before any reading
	}
	if b.Latest = s.time(); b.Latest.Before(b.Earliest) {
		b.Earliest, b.Latest = b.Latest, b.Earliest
	}
}

// Close waits for the calls under way and closes the file. Calls made later
// fail. It is no error to close a store twice.
func (s *Store) Close() error {
	if err := s.pool.close(); err != nil {
		return s.fail("Close", err, false)
	}
	return nil
}
