package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

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

// loadConfig stands for config.LoadDefaultConfig, in the examples that need
// DynamoDB: it gives the local engine of the tests.
func loadConfig(context.Context) (aws.Config, error) {
	url := enginetest.Endpoint(noTest{})
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}, nil
}

// noTest is the test that an example is not.
type noTest struct{ testing.TB }

func (noTest) Helper()           {}
func (noTest) Fatal(args ...any) { log.Fatal(args...) }
