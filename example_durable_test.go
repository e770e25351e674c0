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

// Another process of the same owner name goes on where the first one died.
func ExampleClient_ResumeLock() {
	table := memstore.New()
	ctx := context.Background()
	importer := func() *dynalock.Client { return dynalock.New(table, dynalock.WithLockOwnerName("importer")) }

	first, err := importer().AcquireLock(ctx, "import", dynalock.WithData([]byte("row 0")))
	if err != nil {
		log.Fatal(err)
	}
	if err := first.Update(ctx, []byte("row 500")); err != nil {
		log.Fatal(err)
	}
	// Its process ends here, without a release.

	lock, err := importer().ResumeLock(ctx, "import")
	switch {
	case errors.Is(err, dynalock.ErrNotHeld):
		return // it was done: nothing to go on with
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println("goes on at", string(lock.Data()))

	// Had the first one been only paused, it would learn that it is superseded.
	var lost *dynalock.LostError
	if errors.As(first.Renew(ctx), &lost) {
		fmt.Println("the former:", lost.Reason)
	}
	fmt.Println(lock.Release(ctx))
	// Output:
	// goes on at row 500
	// the former: superseded
	// <nil>
}

// The step of a pipeline that ends releases what the first step took.
func ExampleClient_ReleaseLock() {
	table := memstore.New()
	ctx := context.Background()
	pipeline := func(run string) *dynalock.Client {
		return dynalock.New(table, dynalock.WithLockOwnerName("pipeline-"+run))
	}
	if _, err := pipeline("81").AcquireLock(ctx, "deploy"); err != nil { // in the first step
		log.Fatal(err)
	}

	_, err := pipeline("82").ReleaseLock(ctx, "deploy")
	fmt.Println("another run:", errors.Is(err, dynalock.ErrOwnerMismatch))
	released, err := pipeline("81").ReleaseLock(ctx, "deploy") // in the last step
	fmt.Println("the same run:", released, err)
	released, err = pipeline("81").ReleaseLock(ctx, "deploy") // which is repeated
	fmt.Println("once more:", released, err)
	// Output:
	// another run: true
	// the same run: true <nil>
	// once more: true <nil>
}

// The name by which another process may go on with a lock. It never lets a second
// acquire through.
func ExampleWithLockOwnerName() {
	table := memstore.New()
	ctx := context.Background()
	one := dynalock.New(table, dynalock.WithLockOwnerName("importer"))
	two := dynalock.New(table, dynalock.WithLockOwnerName("importer"))
	if _, err := one.AcquireLock(ctx, "import"); err != nil {
		log.Fatal(err)
	}
	_, err := two.AcquireLock(ctx, "import")
	fmt.Println("acquired twice:", err == nil)
	released, err := two.ReleaseLock(ctx, "import")
	fmt.Println("released by the other:", released, err)
	// Output:
	// acquired twice: false
	// released by the other: true <nil>
}

// Another process of the owner notes how far it has come.
func ExampleClient_UpdateLock() {
	table := memstore.New()
	ctx := context.Background()
	job := func() *dynalock.Client { return dynalock.New(table, dynalock.WithLockOwnerName("job")) }
	if _, err := job().AcquireLock(ctx, "import", dynalock.WithData([]byte("started"))); err != nil {
		log.Fatal(err)
	}
	if err := job().UpdateLock(ctx, "import", []byte("half done")); err != nil {
		log.Fatal(err)
	}
	info, err := job().GetLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(info.Data))
	err = job().UpdateLock(ctx, "export", []byte("?"))
	fmt.Println("a lock that nobody holds:", errors.Is(err, dynalock.ErrNotHeld))
	// Output:
	// half done
	// a lock that nobody holds: true
}

// A handle goes to another process of the same work, say in a queue message. Both
// hold one tenure, and the release of either ends it.
func ExampleClient_AttachLock() {
	table := memstore.New()
	ctx := context.Background()
	api := dynalock.New(table, dynalock.WithLockOwnerName("api"))
	lock, err := api.AcquireLock(ctx, "order/17", dynalock.WithLease(10*time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	message := lock.Handle() // a secret: whoever has it holds the lock too

	worker := dynalock.New(table, dynalock.WithLockOwnerName("worker"))
	attached, err := worker.AttachLock(ctx, message)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("one tenure:", attached.Token() == lock.Token())
	fmt.Println(attached.Release(ctx))

	_, err = worker.AttachLock(ctx, message) // the message comes a second time
	fmt.Println("done already:", errors.Is(err, dynalock.ErrNotHeld))
	_, err = worker.AttachLock(ctx, "a message of another kind")
	fmt.Println(errors.Is(err, dynalock.ErrInvalidHandle))
	// Output:
	// one tenure: true
	// <nil>
	// done already: true
	// true
}

// The same handle from the side that gives it away.
func ExampleLock_Handle() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "order/17")
	if err != nil {
		log.Fatal(err)
	}
	handle := lock.Handle()
	other, err := client.AttachLock(ctx, handle)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(other.Key(), other.Held())
	// Output: order/17 true
}

// A lock with a lease of its own is renewed by whoever knows that the work goes on.
func ExampleLock_Renew() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "batch", dynalock.WithLease(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	for batch := range 3 {
		if err := lock.Renew(ctx); errors.Is(err, dynalock.ErrLost) {
			return // others may work on it
		} else if err != nil {
			log.Print(err) // the store's failure; the lease runs on
		}
		fmt.Println("batch", batch, "may take", time.Until(lock.Deadline()).Round(time.Minute))
	}
	// Output:
	// batch 0 may take 1m0s
	// batch 1 may take 1m0s
	// batch 2 may take 1m0s
}

// The work turns out to be longer than it was thought.
func ExampleLock_Extend() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "import", dynalock.WithLease(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Extend(ctx, 2*time.Hour); err != nil {
		log.Fatal(err)
	}
	fmt.Println(time.Until(lock.Deadline()).Round(time.Minute))
	err = lock.Extend(ctx, time.Millisecond)
	fmt.Println(errors.Is(err, dynalock.ErrInvalidOption))
	// Output:
	// 2h0m0s
	// true
}
