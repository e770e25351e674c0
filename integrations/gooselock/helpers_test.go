package gooselock_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"
	"github.com/pressly/goose/v3"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/gooselock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A fleet is instances with one table of locks and one database, in fake time.
type fleet struct {
	t     *testing.T
	table *memstore.Store
	path  string

	mu      sync.Mutex
	began   int // migrations
	running int
	most    int
}

func bubble(t *testing.T, f func(*testing.T, *fleet)) {
	t.Helper()
	path := t.TempDir() + "/orders.db"
	synctest.Test(t, func(t *testing.T) {
		f(t, &fleet{t: t, table: memstore.New(), path: path})
	})
}

// An instance has its own way to the table of locks.
type instance struct {
	*goose.Provider
	net    *faultstore.Store
	client *dynalock.Client
	locker *gooselock.Locker
}

func (f *fleet) instance(name string, opts ...gooselock.Option) *instance {
	f.t.Helper()
	i := &instance{net: faultstore.New(f.table)}
	i.client = dynalock.New(i.net, dynalock.WithLockOwnerName(name))
	locker, err := gooselock.New(i.client, "migrate/orders", opts...)
	must(f.t, err)
	i.locker = locker
	db := open(f.t, f.path)
	i.Provider, err = goose.NewProvider(goose.DialectSQLite3, db, nil,
		goose.WithLocker(locker), goose.WithGoMigrations(goose.NewGoMigration(1, &goose.GoFunc{RunTx: f.migrate}, nil)))
	must(f.t, err)
	f.t.Cleanup(func() {
		i.net.Up()
		must(f.t, i.client.Close(bg))
		i.net.Close()
	})
	return i
}

func open(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_pragma=busy_timeout(5000)")
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// migrate takes ten minutes.
func (f *fleet) migrate(ctx context.Context, _ *sql.Tx) error {
	f.mu.Lock()
	f.began++
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
	}()
	select {
	case <-time.After(10 * time.Minute):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A result is what a call of Up gave.
type result struct {
	done int
	err  error
}

func (i *instance) up(ctx context.Context) <-chan result {
	c := make(chan result, 1)
	go func() {
		results, err := i.Up(ctx)
		c <- result{len(results), err}
	}()
	return c
}
