// Local runs the example on this machine: it starts a DynamoDB engine, makes
// the tables, builds the function and starts it in AWS's Lambda runtime
// interface emulator. It needs no account.
//
//	go run ./integrations/lambdalock/local '{"list":"2026-11-29","prices":[{"item":"apple","cents":120}]}'
//
// It invokes the function with each event and ends; without any it says how to
// invoke the function, and goes on until it is interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/lambdalock/internal/emulator"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, events []string, out io.Writer) error {
	engine, err := enginetest.Start("")
	if err != nil {
		return err
	}
	defer func() { _ = engine.Stop() }()
	if err := makeTables(ctx, engine.URL); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lambdalock-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	function, err := emulator.Build(emulator.Example, dir)
	if err != nil {
		return err
	}
	e, err := emulator.Start(function, []string{
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_ENDPOINT_URL_DYNAMODB=" + engine.URL,
		"LOCKS_TABLE=locks", "PRICES_TABLE=prices", "AWS_LAMBDA_FUNCTION_TIMEOUT=60",
	}, os.Stderr)
	if err != nil {
		return err
	}
	defer e.Stop()

	if len(events) == 0 {
		fmt.Fprintf(out, `curl -d '{"list":"2026-11-29","prices":[{"item":"apple","cents":120}]}' %s
AWS_ENDPOINT_URL_DYNAMODB=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
  go run ./cmd/dynalock get --store dynamodb:locks prices
Interrupt ends it.
`, e.URL, engine.URL)
		<-ctx.Done()
		return nil
	}
	for i, event := range events {
		answer, err := e.Invoke(ctx, "request-"+strconv.Itoa(i+1), []byte(event))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", answer)
	}
	return nil
}

// makeTables makes those of template.yaml.
func makeTables(ctx context.Context, url string) (err error) {
	db := enginetest.NewClient(url, nil)
	client := dynalock.NewDynalockClient(db, "locks")
	defer func() { err = errors.Join(err, client.Close(ctx)) }()
	if err := client.CreateTable(ctx); err != nil {
		return err
	}
	_, err = db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("prices"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("item"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("item"), KeyType: types.KeyTypeHash}},
	})
	return err
}
