package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

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
