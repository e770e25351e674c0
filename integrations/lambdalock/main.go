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
