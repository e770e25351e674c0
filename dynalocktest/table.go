package dynalocktest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A Table holds the locks of one test. It is safe for concurrent use; its
// methods fail the test where they are used wrongly, so they are called from the
// test's own goroutine.
//
// Its [Link] is that of all its clients: table.Down() cuts all of them off,
// table.Only(client).Down() that one.
type Table struct {
	*Link
	store *memstore.Store
	made  time.Time

	mu    sync.Mutex
	links map[*dynalock.Client]*Link
}

// New gives an empty table. In a synctest bubble call it inside, with the t
// that the bubble's function gets.
func New(t testing.TB) *Table {
	t.Helper()
	b := &Table{Link: newLink(t), store: memstore.New(), made: time.Now(), links: map[*dynalock.Client]*Link{}}
	t.Cleanup(b.finish)
	return b
}

// NewClient gives a client of a table of its own, for tests in which nothing
// happens to the locks: New(t).Client(opts...).
func NewClient(t testing.TB, opts ...dynalock.ClientOption) *dynalock.Client {
	t.Helper()
	return New(t).Client(opts...)
}

// Client gives a client of the table, which is closed when the test ends.
// Clients of one table compete for its locks as processes do, so give each
// process that the test plays one of its own.
func (b *Table) Client(opts ...dynalock.ClientOption) *dynalock.Client {
	b.t.Helper()
	b.inBubble("Client")
	l := newLink(b.t)
	c := dynalock.New(&port{b, [2]*Link{l, b.Link}}, opts...)
	b.mu.Lock()
	b.links[c] = l
	b.mu.Unlock()
	b.t.Cleanup(func() {
		b.finish()
		l.finish()
		b.close(c)
	})
	return c
}

// Only gives the link of that client of this table alone: to cut one process
// off while the others go on, or to count its requests.
func (b *Table) Only(c *dynalock.Client) *Link {
	b.t.Helper()
	b.mu.Lock()
	l := b.links[c]
	b.mu.Unlock()
	if l == nil {
		b.t.Fatalf("dynalocktest: Only: not a client of this table; make it with table.Client")
	}
	return l
}

// Holder is the owner name of who holds the lock by what is in the table, also
// after its lease has ended if nobody took it since; empty: nobody.
func (b *Table) Holder(key string) string {
	if r := b.store.Peek(key); r != nil && !r.Released {
		return r.Owner
	}
	return ""
}

// Waiters are the owner names of who waits for the lock in the table's queue,
// who comes first first. Goroutines of one client stand in it once at a time.
func (b *Table) Waiters(key string) []string {
	var names []string
	if r := b.store.Peek(key); r != nil {
		for _, w := range r.Queue {
			names = append(names, w.Owner)
		}
	}
	return names
}

// held gives the record of a lock that somebody holds.
func (b *Table) held(name, key string) *lockstore.Record {
	b.t.Helper()
	b.inBubble(name)
	r := b.store.Peek(key)
	if r == nil || r.Released {
		b.t.Fatalf("dynalocktest: %s: nobody holds %q (held are %q). Has the program taken it yet? "+
			"In a synctest bubble synctest.Wait lets it come so far", name, key, b.keys())
	}
	return r
}

// keys are those of the locks that somebody holds.
func (b *Table) keys() []string {
	return slices.DeleteFunc(b.store.Keys(), func(key string) bool {
		return b.Holder(key) == "" || strings.Contains(key, "dynalock:session:")
	})
}

// elsewhere reports whether the table was made outside of the bubble in which it
// is used: its clock would be another one. Bubbles begin in the year 2000.
func (b *Table) elsewhere() bool { return time.Now().Before(b.made.Add(-365 * 24 * time.Hour)) }

func (b *Table) inBubble(name string) {
	b.t.Helper()
	if b.elsewhere() {
		b.t.Fatalf("dynalocktest: %s: the table was made outside of this synctest bubble; call New inside, with the bubble's t", name)
	}
}

// operator gives a client of that owner name whose requests no link carries.
func (b *Table) operator(name, owner string) *dynalock.Client {
	b.t.Helper()
	b.inBubble(name)
	c := dynalock.New(b.store, dynalock.WithLockOwnerName(owner))
	if err := c.CreateTable(context.Background()); err != nil { // sends nothing here
		b.t.Fatalf("dynalocktest: %s: the owner name %q: %v", name, owner, err)
	}
	return c
}

// close ends a client at the end of the test.
func (b *Table) close(c *dynalock.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		b.t.Errorf("dynalocktest: close the client: %v", err)
	}
}
