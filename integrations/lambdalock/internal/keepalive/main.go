// Keepalive is a function that does what a Lambda function must not: it keeps a
// live lock from one invocation to the next. The example's tests show what
// becomes of it.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
)

// lease is short, for tests: the default of live locks is 20 s.
const lease = 2 * time.Second

// A state is the answer.
type state struct {
	Held  bool   `json:"held"`
	Token uint64 `json:"token"`
	Error string `json:"error"`
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), os.Getenv("LOCKS_TABLE"))
	var lock *dynalock.Lock
	lambda.Start(func(ctx context.Context) (*state, error) {
		if lock == nil {
			var err error
			if lock, err = client.AcquireLock(ctx, "prices", dynalock.KeepAlive(), dynalock.WithLease(lease)); err != nil {
				return nil, err
			}
		}
		s := &state{Held: lock.Held(), Token: lock.Token()}
		if err := lock.Err(); err != nil {
			s.Error = err.Error()
		}
		return s, nil
	})
}
