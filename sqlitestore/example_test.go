package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// Processes that open the same file exclude each other.
func Example() {
	dir, err := os.MkdirTemp("", "dynalock")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := sqlitestore.Open(filepath.Join(dir, "locks.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close() // after the client

	ctx := context.Background()
	client := dynalock.New(store)
	defer client.Close(ctx)

	lock, err := client.AcquireLock(ctx, "nightly-report")
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.AcquireLock(ctx, "nightly-report")
	fmt.Println("a second time:", errors.Is(err, dynalock.ErrHeld))
	fmt.Println("released:", lock.Release(ctx))
	// Output:
	// a second time: true
	// released: <nil>
}

// A file that containers of one host share: each reaches it by another path, so it
// needs a name that all of them give it. Their locks are all live, so that a power
// failure, which ends their processes too, may undo the last writes.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "dynalock")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := sqlitestore.Open(filepath.Join(dir, "locks.db"),
		sqlitestore.WithScope("shared-locks"),
		sqlitestore.WithNormalSync(),
		sqlitestore.WithTimeout(2*time.Second)) // for one that is stopped in the middle of a write
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ctx := context.Background()
	client := dynalock.New(store)
	defer client.Close(ctx)
	lock, err := client.AcquireLock(ctx, "leader", dynalock.KeepAlive())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lock.Held(), store.Info().Scope)
	// Output: true shared-locks
}
