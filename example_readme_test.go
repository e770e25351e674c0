package dynalock_test

import (
	"context"
	"fmt"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// One of several processes leads; the others stand in line.
func Example_leader() {
	ctx := context.Background()
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("web-1"))
	defer client.Close(ctx)
	lead := func(ctx context.Context, token uint64) error {
		fmt.Println("leads", ctx.Err(), token > 0)
		return nil
	}
	err := client.Do(ctx, "scheduler", func(ctx context.Context, lock *dynalock.Lock) error {
		return lead(ctx, lock.Token()) // ctx ends when the lock is lost
	}, dynalock.Wait())
	fmt.Println(err)
	// Output:
	// leads <nil> true
	// <nil>
}
