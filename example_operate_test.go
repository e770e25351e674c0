package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// All locks that somebody holds. Break off when it is enough: pages are read as
// they are needed.
func ExampleClient_Locks() {
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("web-1"))
	ctx := context.Background()
	for _, key := range []string{"jobs/a", "jobs/b", "other"} {
		if _, err := client.AcquireLock(ctx, key); err != nil {
			log.Fatal(err)
		}
	}
	for info, err := range client.Locks(ctx) {
		if err != nil {
			log.Fatal(err) // it is the last one
		}
		fmt.Println(info.Key, info.Owner, info.State)
	}
	// Output:
	// jobs/a web-1 held
	// jobs/b web-1 held
	// other web-1 held
}

// The locks of one kind. What is left out is read and paid for all the same.
func ExampleWithKeyPrefix() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	for _, key := range []string{"jobs/a", "jobs/b", "other"} {
		if _, err := client.AcquireLock(ctx, key); err != nil {
			log.Fatal(err)
		}
	}
	for info, err := range client.Locks(ctx, dynalock.WithKeyPrefix("jobs/")) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(info.Key)
	}
	// Output:
	// jobs/a
	// jobs/b
}

// What one process left behind, before its machine goes away.
func ExampleWithOwner() {
	table := memstore.New()
	ctx := context.Background()
	one, two := dynalock.New(table, dynalock.WithLockOwnerName("web-1")), dynalock.New(table, dynalock.WithLockOwnerName("web-2"))
	for client, key := range map[*dynalock.Client]string{one: "jobs/a", two: "jobs/b"} {
		if _, err := client.AcquireLock(ctx, key); err != nil {
			log.Fatal(err)
		}
	}
	for info, err := range one.Locks(ctx, dynalock.WithOwner("web-1")) {
		if err != nil {
			log.Fatal(err)
		}
		released, err := one.ReleaseLock(ctx, info.Key)
		fmt.Println(info.Key, released, err)
	}
	// Output: jobs/a true <nil>
}

// Who had which lock last: released ones keep their items.
func ExampleWithReleased() {
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("web-1"))
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "jobs/a")
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	for info, err := range client.Locks(ctx, dynalock.WithReleased()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(info.Key, "was held by", info.Owner, "and is", info.State)
	}
	// Output: jobs/a was held by web-1 and is released
}

// What is known of one lock. Nothing is changed by looking.
func ExampleClient_GetLock() {
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("importer"))
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "import", dynalock.WithLease(time.Hour), dynalock.WithData([]byte("row 500")))
	if err != nil {
		log.Fatal(err)
	}

	info, err := client.GetLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.State, "by", info.Owner, "with a lease of", info.Lease)
	fmt.Println(info.Token == lock.Token(), string(info.Data), info.Waiters)

	_, err = client.GetLock(ctx, "export")
	fmt.Println(errors.Is(err, dynalock.ErrNotFound))
	// Output:
	// held by importer with a lease of 1h0m0s
	// true row 500 0
	// true
}

// Printed or logged, what is known of a lock never shows its data.
func ExampleLockInfo() {
	table := memstore.New()
	ctx := context.Background()
	client := dynalock.New(table, dynalock.WithLockOwnerName("importer"))
	if _, err := client.AcquireLock(ctx, "import", dynalock.WithData([]byte("secret"))); err != nil {
		log.Fatal(err)
	}
	r := table.Peek("import")
	r.Token = 7 // or it would be another one each time
	table.Put("import", r)

	info, err := client.GetLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", *info)
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	logger.Info("found", "lock", info)
	// Output:
	// lock "import" of "importer", token 7, held
	// level=INFO msg=found lock.key=import lock.owner=importer lock.token=7 lock.state=held
}

// An operator ends a tenure that nobody else will. He says which one he saw: what
// was taken since is left alone.
func ExampleClient_ForceRelease() {
	table := memstore.New()
	ctx := context.Background()
	holder := dynalock.New(table, dynalock.WithLockOwnerName("old-server"))
	if _, err := holder.AcquireLock(ctx, "deploy", dynalock.WithoutLease()); err != nil {
		log.Fatal(err)
	}

	operator := dynalock.New(table, dynalock.WithLockOwnerName("ann"))
	seen, err := operator.GetLock(ctx, "deploy")
	if err != nil {
		log.Fatal(err)
	}
	// ... Ann makes sure that old-server is gone for good ...
	was, err := operator.ForceRelease(ctx, "deploy", seen.Token)
	switch {
	case errors.Is(err, dynalock.ErrHeld):
		fmt.Println("somebody has taken it since:", err)
	case errors.Is(err, dynalock.ErrNotHeld):
		fmt.Println("it was released meanwhile")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("taken from", was.Owner)
	}
	_, err = operator.ForceRelease(ctx, "deploy", seen.Token)
	fmt.Println("once more:", errors.Is(err, dynalock.ErrNotHeld))
	// Output:
	// taken from old-server
	// once more: true
}
