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

// An acquire tries once. Of who is first, the other one learns who that is.
func ExampleClient_AcquireLock() {
	table := memstore.New()
	first := dynalock.New(table, dynalock.WithLockOwnerName("worker-1"))
	second := dynalock.New(table, dynalock.WithLockOwnerName("worker-2"))

	ctx := context.Background()
	lock, err := first.AcquireLock(ctx, "nightly-report")
	if err != nil {
		log.Fatal(err)
	}

	_, err = second.AcquireLock(ctx, "nightly-report")
	var held *dynalock.HeldError
	switch {
	case errors.As(err, &held):
		fmt.Println("left to", held.Owner)
	case err != nil:
		log.Fatal(err) // the store's failure: nobody knows
	}

	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	lock, err = second.AcquireLock(ctx, "nightly-report")
	fmt.Println(lock.Owner(), err)
	// Output:
	// left to worker-1
	// worker-2 <nil>
}

// What a handle knows of its lock, without asking anybody.
func ExampleLock() {
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("worker-1"))
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "nightly-report",
		dynalock.WithLease(time.Hour), dynalock.WithData([]byte("page 1")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lock.Key(), lock.Owner(), string(lock.Data()))
	fmt.Println("minutes left:", time.Until(lock.Deadline()).Round(time.Minute).Minutes())
	fmt.Println("held:", lock.Held())

	token := lock.Token()
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("held:", lock.Held(), "because the", lock.Err())

	next, err := client.AcquireLock(ctx, "nightly-report")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a higher token:", next.Token() > token)
	// Output:
	// nightly-report worker-1 page 1
	// minutes left: 60
	// held: true
	// held: false because the lock was released
	// a higher token: true
}

// A release may be repeated, and says if the lock was lost before it.
func ExampleLock_Release() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "nightly-report")
	if err != nil {
		log.Fatal(err)
	}
	// However the function ends. The context of the work may have ended by then,
	// and must not keep the lock from being released.
	defer func() {
		if err := lock.Release(context.WithoutCancel(ctx)); errors.Is(err, dynalock.ErrLost) {
			log.Print("the report may have been made twice: ", err)
		}
	}()

	fmt.Println(lock.Release(ctx))
	fmt.Println(lock.Release(ctx)) // sends nothing
	// Output:
	// <nil>
	// <nil>
}

// A lease for work of known length: when it is over others get the lock, whatever
// became of the holder.
func ExampleWithLease() {
	var later time.Duration
	table := memstore.New(memstore.WithClock(func() time.Time { return time.Now().Add(later) }))

	ctx := context.Background()
	_, err := dynalock.New(table).AcquireLock(ctx, "import", dynalock.WithLease(time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	// Its process dies here.

	_, err = dynalock.New(table).AcquireLock(ctx, "import")
	fmt.Println("at once:", errors.Is(err, dynalock.ErrHeld))
	later = time.Hour + time.Second
	_, err = dynalock.New(table).AcquireLock(ctx, "import")
	fmt.Println("an hour later:", err)
	// Output:
	// at once: true
	// an hour later: <nil>
}

// Nobody deploys until somebody says so, however long that takes.
func ExampleWithoutLease() {
	table := memstore.New()
	ops := dynalock.New(table, dynalock.WithLockOwnerName("ops"))
	ctx := context.Background()
	lock, err := ops.AcquireLock(ctx, "deploy", dynalock.WithoutLease(), dynalock.WithData([]byte("incident 4711")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ends by itself:", !lock.Deadline().IsZero())

	_, err = dynalock.New(table).AcquireLock(ctx, "deploy")
	var held *dynalock.HeldError
	if errors.As(err, &held) {
		fmt.Println("held by", held.Owner, "- a try can succeed by itself:", !held.RetryAt.IsZero())
	}

	// Days later, in another process of that owner name:
	released, err := ops.ReleaseLock(ctx, "deploy")
	fmt.Println(released, err)
	// Output:
	// ends by itself: false
	// held by ops - a try can succeed by itself: false
	// true <nil>
}

// A Lambda function's context says when the function is stopped. The lock lasts
// until then and a little longer, and needs no renewal.
func ExampleLeaseFromContext() {
	client := dynalock.New(memstore.New())
	handle := func(ctx context.Context) error {
		lock, err := client.AcquireLock(ctx, "order/17", dynalock.LeaseFromContext(ctx, 5*time.Second))
		if err != nil {
			return err
		}
		defer lock.Release(context.WithoutCancel(ctx))
		stop, _ := ctx.Deadline()
		fmt.Println("held until the function is stopped:", lock.Deadline().After(stop))
		return nil
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // as Lambda gives it
	defer cancel()
	fmt.Println(handle(ctx))
	fmt.Println(handle(context.Background())) // which has no end
	// Output:
	// held until the function is stopped: true
	// <nil>
	// invalid option: LeaseFromContext got a context without a deadline
}

// One job on several schedulers: whoever is first runs it, and the others stay
// out for the rest of the minute though the job takes a second.
func ExampleHoldAtLeast() {
	table := memstore.New()
	ctx := context.Background()
	run := func(node string) {
		client := dynalock.New(table, dynalock.WithLockOwnerName(node))
		lock, err := client.AcquireLock(ctx, "every-minute", dynalock.HoldAtLeast(50*time.Second))
		if errors.Is(err, dynalock.ErrHeld) {
			fmt.Println(node, "leaves it")
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(node, "runs the job")
		if err := lock.Release(ctx); err != nil {
			log.Print(err)
		}
	}
	run("node-1")
	run("node-2")
	// Output:
	// node-1 runs the job
	// node-2 leaves it
}

// Locks of keys that never come again leave nothing in the table.
func ExampleDeleteOnRelease() {
	table := memstore.New()
	client := dynalock.New(table)
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "upload/5f0c", dynalock.DeleteOnRelease())
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = client.GetLock(ctx, "upload/5f0c")
	fmt.Println(errors.Is(err, dynalock.ErrNotFound))
	// Output: true
}
