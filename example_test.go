package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// The examples keep their locks in memory; with DynamoDB only this differs:
//
//	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "locks")
func newClient(owner string) *dynalock.Client {
	return dynalock.New(table, dynalock.WithLockOwnerName(owner))
}

var table = memstore.New()

// A durable lock: it outlives the process, until its owner releases it.
func ExampleClient_AcquireLock() {
	ctx := context.Background()
	client := newClient("worker-1")
	lock, err := client.AcquireLock(ctx, "nightly-report", dynalock.WithData([]byte("page 1")))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lock.Held(), string(lock.Data()))

	_, err = newClient("worker-2").AcquireLock(ctx, "nightly-report")
	var held *dynalock.HeldError
	if errors.As(err, &held) {
		fmt.Println("held by", held.Owner)
	}
	fmt.Println(lock.Release(ctx))
	// Output:
	// true page 1
	// held by worker-1
	// <nil>
}

// Another process of the same owner name goes on where the first one died.
func ExampleClient_ResumeLock() {
	ctx := context.Background()
	first, err := newClient("importer").AcquireLock(ctx, "import", dynalock.WithData([]byte("row 0")))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = first // its process ends here, without a release

	next := newClient("importer")
	if err := next.UpdateLock(ctx, "import", []byte("row 500")); err != nil {
		fmt.Println(err)
		return
	}
	lock, err := next.ResumeLock(ctx, "import")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(lock.Data()), lock.Token() > first.Token())
	released, err := next.ReleaseLock(ctx, "import")
	fmt.Println(released, err)
	// Output:
	// row 500 true
	// true <nil>
}

// A live lock around a piece of work. The function's context ends if the lock
// is lost.
func ExampleClient_Do() {
	client := newClient("web-1")
	err := client.Do(context.Background(), "migrate", func(ctx context.Context, lock *dynalock.Lock) error {
		fmt.Println("migrating")
		return ctx.Err()
	}, dynalock.WaitFor(time.Minute))
	fmt.Println(err)
	// Output:
	// migrating
	// <nil>
}

// What a holder that must stop in time looks at.
func ExampleLock_Context() {
	ctx := context.Background()
	client := newClient("web-1")
	lock, err := client.AcquireLock(ctx, "leader", dynalock.KeepAlive())
	if err != nil {
		fmt.Println(err)
		return
	}
	work, cancel := lock.Context(ctx)
	defer cancel()

	operator := newClient("operator")
	info, err := operator.GetLock(ctx, "leader")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := operator.ForceRelease(ctx, "leader", info.Token); err != nil {
		fmt.Println(err)
		return
	}
	_ = lock.Renew(ctx) // learns of it; the client does so by itself soon
	<-work.Done()
	fmt.Println(context.Cause(work))
	// Output:
	// lock "leader" was lost: forced by "operator"
}

// One job on several schedulers: whoever is first runs it, and the others stay
// out for the rest of the minute though the job takes a second.
func ExampleHoldAtLeast() {
	ctx := context.Background()
	run := func(scheduler string) {
		lock, err := newClient(scheduler).AcquireLock(ctx, "every-minute", dynalock.HoldAtLeast(50*time.Second))
		if errors.Is(err, dynalock.ErrHeld) {
			fmt.Println(scheduler, "leaves it")
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(scheduler, "runs the job")
		_ = lock.Release(ctx)
	}
	run("node-1")
	run("node-2")
	// Output:
	// node-1 runs the job
	// node-2 leaves it
}

// All locks that somebody holds.
func ExampleClient_Locks() {
	ctx := context.Background()
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("web-1"))
	for _, key := range []string{"jobs/a", "jobs/b", "other"} {
		if _, err := client.AcquireLock(ctx, key); err != nil {
			fmt.Println(err)
			return
		}
	}
	for info, err := range client.Locks(ctx, dynalock.WithKeyPrefix("jobs/")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.Key, info.Owner, info.State)
	}
	// Output:
	// jobs/a web-1 held
	// jobs/b web-1 held
}

// Data that only holders of the key can read. The first key encrypts, all
// decrypt: that is how a key is replaced.
func ExampleWithDataEncryption() {
	aead, err := dynalock.NewAESGCM([]byte("the new key has 32 bytes, random"), []byte("the old key had 32 bytes as well"))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := dynalock.New(table, dynalock.WithDataEncryption(aead))
	lock, err := client.AcquireLock(context.Background(), "secret", dynalock.WithData([]byte("cursor=42")))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(lock.Data()))
	// Output: cursor=42
}

// A handle goes to another process of the same job, say in a queue message.
func ExampleClient_AttachLock() {
	ctx := context.Background()
	lock, err := newClient("api").AcquireLock(ctx, "order/17", dynalock.WithLease(10*time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	message := lock.Handle() // a secret: whoever has it holds the lock too

	attached, err := newClient("worker").AttachLock(ctx, message)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(attached.Token() == lock.Token(), attached.Release(ctx))
	// Output: true <nil>
}

// Your own item refuses what a former holder writes late.
func ExampleLock_FenceCondition() {
	lock, err := newClient("web-1").AcquireLock(context.Background(), "account/7")
	if err != nil {
		fmt.Println(err)
		return
	}
	fence := lock.FenceCondition("lock_token")
	fmt.Println("UpdateExpression:    SET balance = :balance, " + fence.Set)
	fmt.Println("ConditionExpression: " + fence.Condition)
	// Output:
	// UpdateExpression:    SET balance = :balance, #dynalock_fence = :dynalock_token
	// ConditionExpression: (attribute_not_exists(#dynalock_fence) OR #dynalock_fence <= :dynalock_token)
}
