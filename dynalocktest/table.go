package dynalocktest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A Table holds the locks of one test. It is safe for concurrent use.
type Table struct {
	t     testing.TB
	store *memstore.Store
	net   *faultstore.Store // between the clients and the table
}

// New gives an empty table. Call it inside the synctest bubble, if the test
// has one.
func New(t testing.TB) *Table {
	t.Helper()
	store := memstore.New()
	return &Table{t: t, store: store, net: faultstore.New(store)}
}

// Client gives a client of the table, which is closed when the test ends.
// Clients of one table compete for its locks as processes do.
func (b *Table) Client(opts ...dynalock.ClientOption) *dynalock.Client {
	b.t.Helper()
	c := dynalock.New(b.net, opts...)
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		b.net.Up()
		if err := c.Close(ctx); err != nil {
			b.t.Errorf("dynalocktest: close the client: %v", err)
		}
	})
	return c
}

// TakeOver gives the lock to another owner, as if the holder's lease had ended
// and somebody had been waiting. The holder learns of it at its next request,
// which for a live lock is its next renewal.
func (b *Table) TakeOver(key, owner string) {
	b.t.Helper()
	r := b.held(key)
	former := r.Nonce
	r.Owner, r.Nonce, r.Seq, r.Token = owner, newNonce(), 1, r.Token+1
	r.Lease, r.Expires, r.Session, r.TTL = 0, time.Time{}, "", time.Time{}
	r.Last = &lockstore.Last{Nonce: former, How: lockstore.HowTakenOver, By: owner}
	b.store.Put(key, r)
}

// Force releases the lock as an operator of that name does.
func (b *Table) Force(key, by string) {
	b.t.Helper()
	r := b.held(key)
	r.Last = &lockstore.Last{Nonce: r.Nonce, How: lockstore.HowForced, By: by}
	r.Released, r.Lease, r.Expires, r.Session, r.TTL = true, 0, time.Time{}, "", time.Time{}
	b.store.Put(key, r)
}

// Expire ends the lock's lease in the table, as if its holder had not renewed
// it for long: the next who wants it gets it. The holder still believes in it,
// as one whose process was paused does.
func (b *Table) Expire(key string) {
	b.t.Helper()
	r := b.held(key)
	r.Lease, r.Expires, r.Session = max(r.Lease, time.Millisecond), time.Now().Add(-time.Hour), ""
	b.store.Put(key, r)
}

// Remove deletes the item, as somebody does by hand.
func (b *Table) Remove(key string) { b.store.Remove(key) }

// Down cuts all clients off from the table: requests get no answer until Up.
func (b *Table) Down() { b.net.Down(faultstore.BlackHole()) }

// Up ends what Down began.
func (b *Table) Up() { b.net.Up() }

// Requests counts what the clients have sent so far.
func (b *Table) Requests() (reads, writes int) {
	n := b.net.Requests()
	return n.Gets + n.Scans, n.Writes
}

// Holder is the owner name of who holds the lock; empty: nobody.
func (b *Table) Holder(key string) string {
	if r := b.store.Peek(key); r != nil && !r.Released {
		return r.Owner
	}
	return ""
}

func (b *Table) held(key string) *lockstore.Record {
	b.t.Helper()
	r := b.store.Peek(key)
	if r == nil || r.Released {
		b.t.Fatalf("dynalocktest: nobody holds %q", key)
	}
	return r
}

func newNonce() lockstore.Nonce {
	var n [16]byte
	_, _ = rand.Read(n[:])
	return lockstore.Nonce(n[:])
}
