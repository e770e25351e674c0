// Demo runs dynalock's first example against a local DynamoDB engine that it
// starts and ends itself: make demo. It needs no account.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	say("start a DynamoDB engine on loopback (the first time it is fetched by npm)")
	engine, err := enginetest.Start("")
	if err != nil {
		return err
	}
	defer func() { _ = engine.Stop() }()

	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &engine.URL, Credentials: dummy{}}
	db := dynamodb.NewFromConfig(cfg)
	client := dynalock.NewDynalockClient(db, "locks", dynalock.WithLockOwnerName("worker-1"))
	other := dynalock.NewDynalockClient(db, "locks", dynalock.WithLockOwnerName("worker-2"))

	say(`create the table "locks"`)
	if err := client.CreateTable(ctx); err != nil {
		return err
	}
	if err := seed(ctx, client, other); err != nil {
		return err
	}
	return errors.Join(client.Close(ctx), other.Close(ctx))
}

// seed is the program that the project began with, and a second owner who
// watches it.
func seed(ctx context.Context, client, other *dynalock.Client) error {
	say("worker-1 acquires with data, to be deleted on release")
	lock, err := client.AcquireLock(ctx, "some_key_name",
		dynalock.WithData([]byte(`{"meta": "data"}`)),
		dynalock.DeleteOnRelease())
	if err != nil {
		return err
	}
	show("%+v", lock)
	show("data: %s", lock.Data())

	say("worker-2 tries to acquire, and to release by key")
	if _, err = other.AcquireLock(ctx, "some_key_name"); !errors.Is(err, dynalock.ErrHeld) {
		return fmt.Errorf("worker-2 should have been told that the lock is held, got: %w", err)
	}
	show("%v", err)
	if _, err = other.ReleaseLock(ctx, "some_key_name"); !errors.Is(err, dynalock.ErrOwnerMismatch) {
		return fmt.Errorf("worker-2 should have been told that the owner is another, got: %w", err)
	}
	show("%v", err)

	say("worker-1 releases by key")
	released, err := client.ReleaseLock(ctx, "some_key_name")
	if err != nil {
		return err
	}
	show("%v", released)
	return nil
}

func say(format string, args ...any)  { fmt.Printf("# "+format+"\n", args...) }
func show(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

// dummy is what the engine accepts.
type dummy struct{}

func (dummy) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
}
