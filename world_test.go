package dynalock_test

import (
	"context"
	"testing"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/clocktest"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A world is one table in memory and the clients that use it, inside a
// testing/synctest bubble: all its time is fake.
type world struct {
	t     *testing.T
	table *memstore.Store
}

func newWorld(t *testing.T, opts ...memstore.Option) *world {
	t.Helper()
	return &world{t: t, table: memstore.New(opts...)}
}

// A machine is a client with its own connection to the table and its own
// clocks.
type machine struct {
	*dynalock.Client
	net   *faultstore.Store // between this client and the table
	clock *clocktest.Clock
	t     *testing.T
}

// machine gives a client of that owner name, which is closed when the test ends.
func (w *world) machine(owner string, opts ...dynalock.ClientOption) *machine {
	w.t.Helper()
	m := &machine{t: w.t, net: faultstore.New(w.table), clock: clocktest.New()}
	store := &hook.Store{Store: m.net, Now: m.clock.Now}
	m.Client = dynalock.New(store, append([]dynalock.ClientOption{dynalock.WithLockOwnerName(owner)}, opts...)...)
	w.t.Cleanup(m.crash)
	return m
}

// crash ends everything the client does, without a request: as far as the
// table is concerned its process has been killed.
func (m *machine) crash() {
	m.clock.Thaw()
	m.net.Down(faultstore.Refuse())
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.Close(ended)
	m.net.Close()
}

// take acquires, and fails the test if it cannot.
func (m *machine) take(key string, opts ...dynalock.AcquireOption) *dynalock.Lock {
	m.t.Helper()
	l, err := m.AcquireLock(context.Background(), key, opts...)
	if err != nil {
		m.t.Fatalf("acquire %q: %v", key, err)
	}
	return l
}

// takeAlone acquires a lock that stays out of its client's session, and is
// renewed by itself: its handle may be in use elsewhere.
func (m *machine) takeAlone(key string, opts ...dynalock.AcquireOption) *dynalock.Lock {
	m.t.Helper()
	l := m.take(key, opts...)
	_ = l.Handle()
	return l
}

// row is the record as the table has it.
func (w *world) row(key string) *lockstore.Record { return w.table.Peek(key) }

// keptAlive is the record that renewals of that lock write: its own, or that of
// the session that it is under.
func (w *world) keptAlive(key string) *lockstore.Record {
	r := w.row(key)
	if r != nil && r.Session != "" {
		return w.row(r.Session)
	}
	return r
}

// beats is how often the lock was written, or what keeps it alive.
func (w *world) beats(key string) int64 {
	n := w.row(key).Seq
	if r := w.keptAlive(key); w.row(key).Session != "" && r != nil {
		n += r.Seq
	}
	return n
}
