package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Who waits is handed the lock when it is released, first come first served.
func ExampleWait() {
	table := memstore.New()
	ctx := context.Background()
	first, err := dynalock.New(table).AcquireLock(ctx, "deploy")
	if err != nil {
		log.Fatal(err)
	}

	next := make(chan struct{})
	go func() {
		defer close(next)
		client := dynalock.New(table)
		lock, err := client.AcquireLock(ctx, "deploy", dynalock.Wait())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("the second one deploys")
		if err := lock.Release(ctx); err != nil {
			log.Fatal(err)
		}
	}()

	fmt.Println("the first one deploys")
	if err := first.Release(ctx); err != nil {
		log.Fatal(err)
	}
	<-next
	// Output:
	// the first one deploys
	// the second one deploys
}

// Patience that ends says who had the lock all the time.
func ExampleWaitFor() {
	table := memstore.New()
	holder := dynalock.New(table, dynalock.WithLockOwnerName("build-7"))
	ctx := context.Background()
	if _, err := holder.AcquireLock(ctx, "deploy"); err != nil {
		log.Fatal(err)
	}

	client := dynalock.New(table)
	defer client.Close(ctx)
	_, err := client.AcquireLock(ctx, "deploy", dynalock.WaitFor(100*time.Millisecond))
	var held *dynalock.HeldError
	if errors.As(err, &held) {
		fmt.Println("still deploying:", held.Owner)
	}
	fmt.Println("my context's end:", errors.Is(err, context.DeadlineExceeded))
	// Output:
	// still deploying: build-7
	// my context's end: false
}

// A context ends the wait too, and the error says both: that it was the caller's
// own end, and who held the lock.
func ExampleWait_cancel() {
	table := memstore.New()
	ctx := context.Background()
	if _, err := dynalock.New(table).AcquireLock(ctx, "deploy"); err != nil {
		log.Fatal(err)
	}

	shutdown, cancel := context.WithCancel(ctx)
	client := dynalock.New(table, dynalock.WithObserver(func(_ context.Context, e dynalock.Event) {
		if e.Kind == dynalock.EventWaiting {
			cancel() // the process is told to stop while it waits
		}
	}))
	defer client.Close(ctx)
	_, err := client.AcquireLock(shutdown, "deploy", dynalock.Wait())
	fmt.Println(errors.Is(err, context.Canceled), errors.Is(err, dynalock.ErrHeld))
	// Output: true true
}

// Reads are what waiting costs. Where a lock changes hands once an hour, a read
// every five seconds will do.
func ExampleWithPollInterval() {
	client := dynalock.New(memstore.New(),
		dynalock.WithPollInterval(5*time.Second, time.Minute),
		dynalock.WithDefaults(dynalock.Wait()))
	lock, err := client.AcquireLock(context.Background(), "reindex") // it is free
	fmt.Println(lock.Held(), err)
	// Output: true <nil>
}
