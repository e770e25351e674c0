package k8slock_test

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/tools/leaderelection"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/k8slock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A candidate without a competitor leads at once, does its work and steps down.
func Example() {
	store := memstore.New() // in a program: dynamostore.New(db, "locks", dynamostore.Config{})
	record, err := k8slock.New(store, "controller", "host-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock:          record,
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) {
				fmt.Println("leads:", record.Identity())
				cancel()
			},
			OnStoppedLeading: func() { fmt.Println("stopped") },
		},
	})
	last, _, err := record.Get(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("holder afterwards: %q\n", last.HolderIdentity)
	// Output:
	// leads: host-1
	// stopped
	// holder afterwards: ""
}

// The same with a lock of dynalock's own.
func Example_withoutElector() {
	ctx := context.Background()
	client := dynalock.New(memstore.New())
	defer client.Close(ctx)
	lead := func(context.Context) error { fmt.Println("leads"); return nil }

	err := client.Do(ctx, "controller", func(ctx context.Context, lock *dynalock.Lock) error {
		return lead(ctx) // ctx ends when the lock is lost
	}, dynalock.Wait())
	fmt.Println(err)
	// Output:
	// leads
	// <nil>
}
