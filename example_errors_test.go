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

// Four kinds of failure, each of which wants another answer.
func Example_errors() {
	client := dynalock.New(memstore.New())
	_, err := client.AcquireLock(context.Background(), "", dynalock.WithLease(time.Hour))
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		fmt.Println("my own context ended")
	case errors.Is(err, dynalock.ErrHeld):
		fmt.Println("somebody else has it")
	case errors.Is(err, dynalock.ErrThrottled), errors.Is(err, dynalock.ErrUnavailable):
		fmt.Println("the store's failure; later it may work")
	case errors.Is(err, dynalock.ErrTableNotFound), errors.Is(err, dynalock.ErrTableSchema), errors.Is(err, dynalock.ErrAccessDenied):
		fmt.Println("the table or the rights have to be put right:", err)
	case errors.Is(err, dynalock.ErrInvalidKey), errors.Is(err, dynalock.ErrInvalidOption), errors.Is(err, dynalock.ErrDataTooLarge):
		fmt.Println("a mistake of the program:", err)
	default:
		fmt.Println(err)
	}
	// Output: a mistake of the program: invalid key: it is empty
}

// Who holds the lock, and when a try can succeed though he does not release it.
func ExampleHeldError() {
	table := memstore.New()
	ctx := context.Background()
	holder := dynalock.New(table, dynalock.WithLockOwnerName("build-7"))
	if _, err := holder.AcquireLock(ctx, "deploy", dynalock.WithLease(time.Hour)); err != nil {
		log.Fatal(err)
	}

	_, err := dynalock.New(table).AcquireLock(ctx, "deploy")
	var held *dynalock.HeldError
	if errors.As(err, &held) {
		fmt.Println(held.Key, "is held by", held.Owner, "with a lease of", held.Lease)
		fmt.Println("for about", time.Until(held.RetryAt).Round(time.Minute))
		fmt.Println(held.Token > 0, held.Since.IsZero(), held.Expires.IsZero())
	}
	// Output:
	// deploy is held by build-7 with a lease of 1h0m0s
	// for about 1h0m0s
	// true false false
}

// Why a lock was lost. Each request of the handle says so from then on.
func ExampleLostError() {
	table := memstore.New()
	ctx := context.Background()
	lock, err := dynalock.New(table).AcquireLock(ctx, "deploy")
	if err != nil {
		log.Fatal(err)
	}
	operator := dynalock.New(table, dynalock.WithLockOwnerName("ann"))
	if _, err := operator.ForceRelease(ctx, "deploy", lock.Token()); err != nil {
		log.Fatal(err)
	}

	err = lock.Renew(ctx)
	var lost *dynalock.LostError
	if errors.As(err, &lost) {
		switch lost.Reason {
		case dynalock.ReasonForced, dynalock.ReasonTakenOver:
			fmt.Println(lost.Key, "was", lost.Reason, "by", lost.By)
		case dynalock.ReasonExpired:
			fmt.Println("the store could not be reached:", lost.Err)
		}
	}
	fmt.Println(lock.Held(), errors.Is(lock.Release(ctx), dynalock.ErrLost))
	// Output:
	// deploy was forced by ann
	// false true
}
