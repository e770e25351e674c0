package gocronlock_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/gocronlock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Two schedulers, as on two nodes, come to the same job at the same time. One
// of them runs it.
func Example() {
	table := memstore.New() // in a program: a DynamoDB table
	var both sync.WaitGroup
	for range 2 {
		client := dynalock.New(table)
		defer client.Close(context.Background())
		locker, err := gocronlock.NewLocker(client)
		if err != nil {
			fmt.Println(err)
			return
		}
		scheduler, err := gocron.NewScheduler(gocron.WithDistributedLocker(locker))
		if err != nil {
			fmt.Println(err)
			return
		}
		defer scheduler.Shutdown()
		both.Add(1)
		_, err = scheduler.NewJob(
			gocron.OneTimeJob(gocron.OneTimeJobStartImmediately()),
			gocron.NewTask(func() { fmt.Println("the report is written"); both.Done() }),
			gocron.WithName("nightly-report"), // the lock's key
			gocron.WithEventListeners(gocron.AfterLockError(func(_ uuid.UUID, _ string, err error) {
				fmt.Println("another node runs it:", errors.Is(err, dynalock.ErrHeld))
				both.Done()
			})),
		)
		if err != nil {
			fmt.Println(err)
			return
		}
		scheduler.Start()
	}
	both.Wait()
	// Unordered output:
	// the report is written
	// another node runs it: true
}

// A job that must not go on once its lock is lost takes its context from the
// locker.
func ExampleLocker_Context() {
	client := dynalock.New(memstore.New())
	defer client.Close(context.Background())
	locker, err := gocronlock.NewLocker(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	task := gocron.NewTask(func(ctx context.Context) error {
		ctx, cancel := locker.Context(ctx, "nightly-report") // or elector.Context(ctx)
		defer cancel()
		return report(ctx) // ends when the lock is lost, context.Cause says how
	})
	scheduler, err := gocron.NewScheduler(gocron.WithDistributedLocker(locker))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer scheduler.Shutdown()
	ended := make(chan struct{})
	_, err = scheduler.NewJob(
		gocron.OneTimeJob(gocron.OneTimeJobStartImmediately()), task, gocron.WithName("nightly-report"),
		gocron.WithEventListeners(gocron.AfterJobRuns(func(uuid.UUID, string) { close(ended) })),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	scheduler.Start()
	<-ended
	// Output: the report is written
}

func report(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	fmt.Println("the report is written")
	return nil
}

// One node leads, and runs all jobs until it closes its elector.
func ExampleNewElector() {
	ctx := context.Background()
	table := memstore.New()
	first, second := dynalock.New(table), dynalock.New(table)
	defer first.Close(ctx)
	defer second.Close(ctx)

	elector, err := gocronlock.NewElector(first, "scheduler")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(elector.IsLeader(ctx)) // gocron asks before each run: gocron.WithDistributedElector(elector)
	other, err := gocronlock.NewElector(second, "scheduler")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(errors.Is(other.IsLeader(ctx), gocronlock.ErrNotLeader))
	fmt.Println(other.Close(ctx), elector.Close(ctx))
	// Output:
	// <nil>
	// true
	// <nil> <nil>
}
