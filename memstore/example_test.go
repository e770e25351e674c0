package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Clients of one table compete for its locks as processes do. For tests of a
// program see package dynalocktest.
func ExampleNew() {
	table := memstore.New()
	ctx := context.Background()
	if _, err := dynalock.New(table).AcquireLock(ctx, "nightly-report"); err != nil {
		log.Fatal(err)
	}
	_, err := dynalock.New(table).AcquireLock(ctx, "nightly-report")
	fmt.Println(errors.Is(err, dynalock.ErrHeld))
	// Output: true
}

// A clock that the test sets.
func ExampleWithClock() {
	noon := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	table := memstore.New(memstore.WithClock(func() time.Time { return noon }))
	res, err := table.Get(context.Background(), "k", lockstore.Consistent)
	fmt.Println(res.Time.Earliest, err)
	// Output: 2026-03-01 12:00:00 +0000 UTC <nil>
}

// Answers that tell the time as DynamoDB's do, or not at all.
func ExampleWithDateResolution() {
	clock := memstore.WithClock(func() time.Time { return time.UnixMilli(1500).UTC() })
	seconds := memstore.New(clock, memstore.WithDateResolution(time.Second))
	none := memstore.New(memstore.WithoutTime())
	ctx := context.Background()

	res, err := seconds.Get(ctx, "k", lockstore.Consistent)
	fmt.Println(res.Time.Earliest.Second(), "to", res.Time.Latest.Second(), err)
	res, err = none.Get(ctx, "k", lockstore.Consistent)
	fmt.Println(res.Time.Known(), err)
	// Output:
	// 1 to 2 <nil>
	// false <nil>
}

// Two tables of one test. Handles of one are refused by the other.
func ExampleWithScope() {
	here, there := memstore.New(memstore.WithScope("eu")), memstore.New(memstore.WithScope("us"))
	ctx := context.Background()
	lock, err := dynalock.New(here).AcquireLock(ctx, "order/17")
	if err != nil {
		log.Fatal(err)
	}
	_, err = dynalock.New(there).AttachLock(ctx, lock.Handle())
	fmt.Println(errors.Is(err, dynalock.ErrInvalidHandle))
	// Output: true
}

// Pages are read as they are needed.
func ExampleWithPageSize() {
	table := memstore.New(memstore.WithPageSize(2))
	for _, key := range []string{"a", "b", "c"} {
		table.Put(key, &lockstore.Record{Owner: "somebody", Nonce: "n", Token: 1})
	}
	page, err := table.Scan(context.Background(), lockstore.Query{})
	fmt.Println(len(page.Items), "then from", page.Next, err)
	// Output: 2 then from b <nil>
}

// What lies in the table, beside the clients: to look at it, to set it, to delete
// it as by hand, or as the table's item expiry does.
func ExampleStore_Put() {
	table := memstore.New()
	client := dynalock.New(table, dynalock.WithLockOwnerName("web-1"))
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "leader", dynalock.WithLease(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(table.Keys(), table.Peek("leader").Owner)

	r := table.Peek("leader")
	r.Owner = "web-2"
	table.Put("copy", r)
	table.Remove("leader")
	fmt.Println(table.Keys(), lock.Renew(ctx))
	fmt.Println(table.Sweep(time.Now().Add(48*time.Hour)), len(table.Keys()))
	// Output:
	// [leader] web-1
	// [copy] lock "leader" was lost: gone
	// [copy] 0
}
