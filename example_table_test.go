package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
)

// Locks in a DynamoDB table.
func ExampleNewDynalockClient() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "locks",
		dynalock.WithLockOwnerName("worker-1"))
	defer client.Close(ctx)
	if err := client.CreateTable(ctx); err != nil { // once; fine if it is there
		log.Fatal(err)
	}
	lock, err := client.AcquireLock(ctx, "nightly-report")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lock.Owner(), lock.Held())
	fmt.Println(lock.Release(ctx))

	missing := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "no-such-table")
	_, err = missing.AcquireLock(ctx, "nightly-report")
	fmt.Println(errors.Is(err, dynalock.ErrTableNotFound))
	// Output:
	// worker-1 true
	// <nil>
	// true
}

// A table for production, made when it is deployed: processes at run time need no
// right to make tables then.
func ExampleClient_CreateTable() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "locks-of-production")
	err = client.CreateTable(ctx,
		dynalock.WithDeletionProtection(),
		dynalock.WithTags(map[string]string{"team": "platform"}))
	fmt.Println(err)
	fmt.Println(client.CreateTable(ctx)) // it is there
	// Output:
	// <nil>
	// <nil>
}

// Items are to stay for ever, or the table cannot expire them (global tables with
// strong consistency).
func ExampleWithoutTTL() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "locks-for-ever", dynalock.WithRetention(0))
	fmt.Println(client.CreateTable(ctx, dynalock.WithoutTTL()))
	// Output: <nil>
}

// Locks beside other items, in a table whose keys have other names: all locks have
// one value of the sort key.
func ExampleWithSortKey() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "single-table",
		dynalock.WithPartitionKeyName("PK"), dynalock.WithSortKey("SK", "LOCK"))
	if err := client.CreateTable(ctx); err != nil {
		log.Fatal(err)
	}
	lock, err := client.AcquireLock(ctx, "ORDER#17")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lock.Key(), lock.Release(ctx))

	wrong := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "single-table")
	_, err = wrong.AcquireLock(ctx, "ORDER#17")
	fmt.Println(errors.Is(err, dynalock.ErrTableSchema))
	// Output:
	// ORDER#17 <nil>
	// true
}
