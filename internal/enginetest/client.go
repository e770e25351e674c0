package enginetest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// EndpointVariable names an engine that runs already.
const EndpointVariable = "DYNALOCK_TEST_ENDPOINT"

var (
	shared     *Engine
	sharedLock sync.Mutex
	tables     atomic.Int64
)

// Endpoint is the URL of this test binary's engine, which it starts if it is
// the first to ask.
func Endpoint(t testing.TB) string {
	t.Helper()
	if url := os.Getenv(EndpointVariable); url != "" {
		return url
	}
	sharedLock.Lock()
	defer sharedLock.Unlock()
	if shared == nil {
		e, err := Start("")
		if err != nil {
			t.Fatal(err)
		}
		shared = e
	}
	return shared.URL
}

// Run is what a TestMain may do: run the tests, end the engine, return the
// exit code. Without it the engine ends with the process all the same.
func Run(m *testing.M) int {
	code := m.Run()
	sharedLock.Lock()
	defer sharedLock.Unlock()
	if shared != nil {
		_ = shared.Stop()
		shared = nil
	}
	return code
}

// Client is a DynamoDB client of the engine, with connections of its own that
// are closed when the test ends.
func Client(t testing.TB, optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return NewClient(Endpoint(t), &http.Client{Transport: transport}, optFns...)
}

// NewClient is a client of the engine at that address, with the dummy
// credentials that it asks for.
func NewClient(endpoint string, web aws.HTTPClient, optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		HTTPClient:   web,
		// Cached, as those of an aws.Config from the environment are.
		Credentials: aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})),
	}, optFns...)
}

// Keys are a table's key attributes; empty: partition key "key", no sort key.
type Keys struct {
	Partition, Sort string
	// PartitionType and SortType default to S.
	PartitionType, SortType types.ScalarAttributeType
}

// Table makes an on-demand table of its own for the test and removes it when
// the test ends. Of several Keys the first counts.
func Table(t testing.TB, db *dynamodb.Client, keys ...Keys) string {
	t.Helper()
	name := fmt.Sprintf("locks-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), tables.Add(1))
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	var k Keys
	if len(keys) > 0 {
		k = keys[0]
	}
	if k.Partition == "" {
		k.Partition = "key"
	}
	addKey(in, k.Partition, k.PartitionType, types.KeyTypeHash)
	if k.Sort != "" {
		addKey(in, k.Sort, k.SortType, types.KeyTypeRange)
	}
	if _, err := db.CreateTable(t.Context(), in); err != nil {
		t.Fatalf("create table %s: %v", name, err)
	}
	// The test's own context has ended when Cleanup runs.
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _ = db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	})
	wait := dynamodb.NewTableExistsWaiter(db, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 100*time.Millisecond
	})
	if err := wait.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second); err != nil {
		t.Fatalf("table %s does not become active: %v", name, err)
	}
	return name
}

func addKey(in *dynamodb.CreateTableInput, name string, as types.ScalarAttributeType, role types.KeyType) {
	if as == "" {
		as = types.ScalarAttributeTypeS
	}
	in.AttributeDefinitions = append(in.AttributeDefinitions,
		types.AttributeDefinition{AttributeName: &name, AttributeType: as})
	in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: role})
}
