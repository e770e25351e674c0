package memstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Store is a table in memory. Make one with [New].
type Store struct {
	clock      func() time.Time
	resolution time.Duration
	scope      string
	pageSize   int

	mu      sync.Mutex
	records map[string]*lockstore.Record
}

var _ lockstore.Store = (*Store)(nil)

// New returns an empty table.
func New(opts ...Option) *Store {
	s := &Store{
		clock:    time.Now,
		scope:    "memory",
		pageSize: 1000,
		records:  map[string]*lockstore.Record{},
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Info says what the store is. Its clock is a single one, so the margin is 0.
func (s *Store) Info() lockstore.Info { return lockstore.Info{Scope: s.scope} }

// Get reads the record under key; every read is consistent.
func (s *Store) Get(ctx context.Context, key string, _ lockstore.Consistency) (lockstore.Result, error) {
	if err := s.check(ctx, "Get", key); err != nil {
		return lockstore.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return lockstore.Result{Record: s.records[key].Clone(), Time: s.now()}, nil
}

// Write applies w to the record under key if w.If holds.
func (s *Store) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	if err := s.check(ctx, "Write", key); err != nil {
		return lockstore.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	res := lockstore.Result{Time: s.now()}
	before := s.records[key]
	ok, err := w.If.Holds(before)
	if err != nil {
		return res, s.fail("Write", lockstore.ErrInvalidRequest, err)
	}
	if !ok {
		res.Record = before.Clone()
		return res, nil
	}
	after, err := w.Apply(before)
	if err != nil {
		return res, s.fail("Write", lockstore.ErrInvalidRequest, err)
	}
	if after != nil && size(key, after) > maxItem {
		return res, s.fail("Write", lockstore.ErrDataTooLarge, nil)
	}
	s.set(key, after)
	res.Applied, res.Record = true, after.Clone()
	return res, nil
}

// Scan reads one page, in the order of the keys. A key that is there during
// the whole scan is seen exactly once, whatever happens to others meanwhile.
func (s *Store) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	if err := ctx.Err(); err != nil {
		return lockstore.Page{}, s.fail("Scan", lockstore.ErrUnavailable, err)
	}
	limit := s.pageSize
	if q.Limit > 0 && q.Limit < limit {
		limit = q.Limit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page := lockstore.Page{Time: s.now()}
	for _, key := range s.keys() {
		if key <= q.After || !strings.HasPrefix(key, q.Prefix) {
			continue
		}
		if len(page.Items) == limit {
			page.Next = page.Items[limit-1].Key
			break
		}
		page.Items = append(page.Items, lockstore.Item{Key: key, Record: s.records[key].Clone()})
	}
	return page, nil
}

// set needs s.mu, and that nobody else keeps r.
func (s *Store) set(key string, r *lockstore.Record) {
	if r == nil {
		delete(s.records, key)
		return
	}
	s.records[key] = r
}

// keys needs s.mu.
func (s *Store) keys() []string { return slices.Sorted(maps.Keys(s.records)) }

// now is read while s.mu is held, so that the times of the answers follow the
// order of the writes.
func (s *Store) now() lockstore.TimeBounds {
	if s.clock == nil {
		return lockstore.TimeBounds{}
	}
	t := s.clock().UTC() // which also strips the monotonic reading
	if s.resolution <= 0 {
		return lockstore.TimeBounds{Earliest: t, Latest: t}
	}
	t = t.Truncate(s.resolution)
	return lockstore.TimeBounds{Earliest: t, Latest: t.Add(s.resolution)}
}
