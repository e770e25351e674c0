package gooselock_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing/fstest"

	_ "github.com/ncruces/go-sqlite3/driver"
	"github.com/pressly/goose/v3"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/gooselock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Two instances of a service start at the same time, and both want the database
// to be up to date.
func Example() {
	table := memstore.New() // in a program: a DynamoDB table
	dir, err := os.MkdirTemp("", "orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	files := fstest.MapFS{"00001_orders.sql": {Data: []byte("-- +goose Up\nCREATE TABLE orders (id INTEGER);\n")}}

	start := func() error {
		ctx := context.Background()
		db, err := sql.Open("sqlite3", "file:"+filepath.ToSlash(filepath.Join(dir, "orders.db"))+"?_pragma=busy_timeout(5000)")
		if err != nil {
			return err
		}
		defer db.Close()
		client := dynalock.New(table)
		defer client.Close(ctx)
		locker, err := gooselock.New(client, "migrate/orders")
		if err != nil {
			return err
		}
		provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithLocker(locker))
		if err != nil {
			return err
		}
		ctx, stop := gooselock.Context(ctx) // ends the migrations if the lock is lost
		defer stop()
		results, err := provider.Up(ctx)
		fmt.Println("migrations applied:", len(results))
		return err
	}

	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := start(); err != nil {
				fmt.Println(err)
			}
		})
	}
	both.Wait()
	// Unordered output:
	// migrations applied: 1
	// migrations applied: 0
}

// What golang-migrate's Migrate has of it.
type migrate struct {
	GracefulStop chan bool
	Up           func() error
}

// Migrations by a tool that has no interface for locks, all of them under one.
func Example_otherTools() {
	ctx := context.Background()
	client := dynalock.New(memstore.New())
	defer client.Close(ctx)
	m := migrate{GracefulStop: make(chan bool, 1), Up: func() error { fmt.Println("migrated"); return nil }}

	err := client.Do(ctx, "migrate/orders", func(ctx context.Context, _ *dynalock.Lock) error {
		stop := context.AfterFunc(ctx, func() { m.GracefulStop <- true }) // after the migration that is running
		defer stop()
		return m.Up()
	}, dynalock.Wait())
	fmt.Println(err)
	// Output:
	// migrated
	// <nil>
}
