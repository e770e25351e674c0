// Lambdalock is an AWS Lambda function that holds a lock: it imports price
// lists, one at a time, and goes on with a list where an invocation died.
//
// It is an example, to be read and copied; README.md has the reasons, and
// template.yaml and main.tf what it needs in an account.
//
//   - The lock is durable and its owner is the list, not the execution
//     environment: a retry of the same event has the same owner name, and resumes.
//   - Its lease reaches to the invocation's deadline and a little further, so
//     nothing has to be renewed, and another list gets it soon after a timeout.
//   - Progress is kept as the lock's data.
//   - Each write to the prices is fenced, for a request of a dead or frozen
//     environment may arrive later.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// main is the Init phase: it makes what all invocations share. It takes no
// lock, since it may run long before an invocation, and for none.
func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	f := &function{
		db:     dynamodb.NewFromConfig(cfg),
		locks:  os.Getenv("LOCKS_TABLE"),
		prices: os.Getenv("PRICES_TABLE"),
	}
	lambda.Start(f.handle)
}
