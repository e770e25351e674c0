package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/memstore"
)

// The examples keep their locks in memory, so that they run anywhere. With
// DynamoDB only the first line is another one:
//
//	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "locks")
func Example() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	defer client.Close(ctx)

	lock, err := client.AcquireLock(ctx, "nightly-report")
	if errors.Is(err, dynalock.ErrHeld) {
		return // somebody else makes the report
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("making the report")
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: making the report
}

// loadConfig stands for config.LoadDefaultConfig: it gives the local engine.
var loadConfig = enginetest.LoadConfig
