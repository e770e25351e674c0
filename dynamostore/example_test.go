package dynamostore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A store for dynalock.New, where NewDynalockClient does not do: here one store
// for several clients.
func ExampleNew() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	store, err := dynamostore.New(dynamodb.NewFromConfig(cfg), "locks-of-example", dynamostore.Config{
		PartitionKey: "pk",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.CreateTable(ctx, lockstore.TableOptions{}); err != nil {
		log.Fatal(err)
	}
	for _, owner := range []string{"one", "two"} {
		client := dynalock.New(store, dynalock.WithLockOwnerName(owner))
		lock, err := client.AcquireLock(ctx, "k")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(lock.Owner(), lock.Release(ctx))
	}

	_, err = dynamostore.New(dynamodb.NewFromConfig(cfg), "locks-of-example", dynamostore.Config{PartitionKey: "owner"})
	fmt.Println("an attribute of the protocol as key:", err != nil)
	// Output:
	// one <nil>
	// two <nil>
	// an attribute of the protocol as key: true
}

// Attributes of your own may stand in a lock's item, but for these names.
func ExampleReserved() {
	fmt.Println(dynamostore.Reserved("owner"), dynamostore.Reserved("cost_centre"))
	// Output: true false
}

// What Lock.TransactGuard gives, for whoever writes a client of his own.
func ExampleStore_Guard() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	store, err := dynamostore.New(dynamodb.NewFromConfig(cfg), "locks", dynamostore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	check := store.Guard("k", lockstore.Nonce("a tenure's nonce")).ConditionCheck
	fmt.Println(*check.TableName, *check.ConditionExpression != "")
	// Output: locks true
}

// loadConfig stands for config.LoadDefaultConfig: it gives the local engine.
var loadConfig = enginetest.LoadConfig
