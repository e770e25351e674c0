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

// A live lock around a piece of work. The function's context ends if the lock
// is lost, and the error then says why.
func ExampleClient_Do() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	defer client.Close(ctx)

	err := client.Do(ctx, "migrate", func(ctx context.Context, lock *dynalock.Lock) error {
		for step := range 3 {
			if err := context.Cause(ctx); err != nil {
				return err // the lock is lost: not a step further
			}
			fmt.Println("step", step)
		}
		return nil
	}, dynalock.WaitFor(time.Minute))

	switch {
	case errors.Is(err, dynalock.ErrHeld):
		fmt.Println("another one migrates, for more than a minute")
	case err != nil:
		log.Fatal(err)
	}
	// Output:
	// step 0
	// step 1
	// step 2
}

// A leader: its lock lasts for as long as its process does.
func ExampleKeepAlive() {
	table := memstore.New()
	ctx := context.Background()
	leader := dynalock.New(table, dynalock.WithLockOwnerName("web-1"))
	lock, err := leader.AcquireLock(ctx, "leader", dynalock.KeepAlive())
	if err != nil {
		log.Fatal(err)
	}
	if lock.Held() { // before each step that only the leader may take
		fmt.Println("web-1 leads")
	}

	// When it shuts down, the next one need not wait for the end of the lease.
	if err := leader.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(lock.Err())
	next := dynalock.New(table, dynalock.WithLockOwnerName("web-2"))
	defer next.Close(ctx)
	if _, err := next.AcquireLock(ctx, "leader", dynalock.KeepAlive()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("web-2 leads")
	// Output:
	// web-1 leads
	// client was closed
	// web-2 leads
}

// A context that ends with the lock, for work that takes a context.
func ExampleLock_Context() {
	table := memstore.New()
	client := dynalock.New(table, dynalock.WithLockOwnerName("web-1"))
	ctx := context.Background()
	defer client.Close(ctx)
	lock, err := client.AcquireLock(ctx, "leader", dynalock.KeepAlive())
	if err != nil {
		log.Fatal(err)
	}
	work, cancel := lock.Context(ctx)
	defer cancel()

	operator := dynalock.New(table, dynalock.WithLockOwnerName("operator"))
	if _, err := operator.ForceRelease(ctx, "leader", lock.Token()); err != nil {
		log.Fatal(err)
	}
	_ = lock.Renew(ctx) // learns of it, as the client's own renewal does within seconds
	<-work.Done()
	fmt.Println(context.Cause(work))
	// Output:
	// lock "leader" was lost: forced by "operator"
}

// A loop that ends with its lock.
func ExampleLock_Done() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "leader", dynalock.KeepAlive())
	if err != nil {
		log.Fatal(err)
	}
	jobs := make(chan string, 1)
	jobs <- "a job"
	for {
		select {
		case <-lock.Done():
			fmt.Println("no longer the leader:", lock.Err())
			return
		case job := <-jobs:
			fmt.Println(job)
			client.Close(ctx) // the process is told to stop
		}
	}
	// Output:
	// a job
	// no longer the leader: client was closed
}

// Work that cannot be cut off wants to know some time before its lock ends.
func ExampleLock_Expiring() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "batch", dynalock.WithLease(time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	stop := lock.Expiring(time.Hour - 10*time.Millisecond) // or a minute, say, in life
	for {
		select {
		case <-stop:
			fmt.Println("no new batch; still held:", lock.Held())
			if err := lock.Release(ctx); err != nil {
				log.Fatal(err)
			}
			return
		case <-time.After(time.Millisecond): // a batch
		}
	}
	// Output: no new batch; still held: true
}

// A bound for work that may hang: the lock is lost then, though its process lives.
func ExampleHoldAtMost() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	defer client.Close(ctx)
	err := client.Do(ctx, "report", func(ctx context.Context, _ *dynalock.Lock) error {
		<-ctx.Done() // it hangs
		return nil
	}, dynalock.HoldAtMost(20*time.Millisecond))
	var lost *dynalock.LostError
	if errors.As(err, &lost) {
		fmt.Println(lost.Reason == dynalock.ReasonHeldTooLong, lost)
	}
	// Output: true lock "report" was lost: held too long
}

// Close releases what is live and leaves what is durable.
func ExampleClient_Close() {
	table := memstore.New()
	client := dynalock.New(table, dynalock.WithLockOwnerName("web-1"))
	ctx := context.Background()
	if _, err := client.AcquireLock(ctx, "leader", dynalock.KeepAlive()); err != nil {
		log.Fatal(err)
	}
	if _, err := client.AcquireLock(ctx, "import"); err != nil {
		log.Fatal(err)
	}

	shutdown, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := client.Close(shutdown); err != nil {
		log.Print("some locks end with their leases only: ", err)
	}
	_, err := client.AcquireLock(ctx, "more")
	fmt.Println(errors.Is(err, dynalock.ErrClosed))

	for info, err := range dynalock.New(table).Locks(ctx) {
		fmt.Println(info.Key, info.State, err)
	}
	// Output:
	// true
	// import held <nil>
}
