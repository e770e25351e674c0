package dynamostore_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// newName is a table's name that is used once, and removed at the end if there
// is such a table by then.
func newName(t *testing.T, db *dynamodb.Client) string {
	name := fmt.Sprintf("made-%d-%d", os.Getpid(), time.Now().UnixNano())
	t.Cleanup(func() {
		ctx := context.Background()
		_, _ = db.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)})
		_, _ = db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	})
	return name
}

func describe(t *testing.T, db *dynamodb.Client, table string) *types.TableDescription {
	t.Helper()
	out, err := db.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	return out.Table
}

// expiry is the attribute that item expiry is on, or nothing.
func expiry(t *testing.T, db *dynamodb.Client, table string) string {
	t.Helper()
	out, err := db.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	if out.TimeToLiveDescription.TimeToLiveStatus == types.TimeToLiveStatusDisabled {
		return ""
	}
	return aws.ToString(out.TimeToLiveDescription.AttributeName)
}

func TestCreateTable(t *testing.T) {
	for name, tt := range map[string]struct {
		config dynamostore.Config
		opts   lockstore.TableOptions
		keys   []string
		expiry string
	}{
		"plain":     {dynamostore.Config{}, lockstore.TableOptions{}, []string{"key HASH"}, "ttl"},
		"sort key":  {dynamostore.Config{PartitionKey: "pk", SortKey: "sk", SortValue: "v"}, lockstore.TableOptions{}, []string{"pk HASH", "sk RANGE"}, "ttl"},
		"no ttl":    {dynamostore.Config{}, lockstore.TableOptions{WithoutTTL: true}, []string{"key HASH"}, ""},
		"protected": {dynamostore.Config{}, lockstore.TableOptions{DeletionProtection: true}, []string{"key HASH"}, "ttl"},
		"tags":      {dynamostore.Config{}, lockstore.TableOptions{Tags: map[string]string{"team": "a", "app": "b"}}, []string{"key HASH"}, "ttl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Client(t)
			table := newName(t, db)
			_, store := newWire(t, table, tt.config)
			for range 2 { // the second time there is nothing to do
				if err := store.CreateTable(t.Context(), tt.opts); err != nil {
					t.Fatal(err)
				}
			}
			made := describe(t, db, table)
			var keys []string
			for _, k := range made.KeySchema {
				keys = append(keys, *k.AttributeName+" "+string(k.KeyType))
			}
			if !slices.Equal(keys, tt.keys) || made.BillingModeSummary.BillingMode != types.BillingModePayPerRequest ||
				aws.ToBool(made.DeletionProtectionEnabled) != tt.opts.DeletionProtection {
				t.Errorf("made %+v", made)
			}
			if got := expiry(t, db, table); got != tt.expiry {
				t.Errorf("item expiry is on %q", got)
			}
			tags, err := db.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: made.TableArn})
			if err != nil || len(tags.Tags) != len(tt.opts.Tags) {
				t.Errorf("tags %v, %v", tags, err)
			}
			for _, tag := range tags.Tags {
				if tt.opts.Tags[*tag.Key] != *tag.Value {
					t.Errorf("tag %s is %s", *tag.Key, *tag.Value)
				}
			}
			if _, err := store.Write(t.Context(), "k", ownerOnly); err != nil {
				t.Error(err)
			}
		})
	}
}

// Eight processes that start at once, each with a client of its own, on an
// engine that has nothing yet.
func TestCreateTableByMany(t *testing.T) {
	engine, err := enginetest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Stop() }()
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, 8)
	for i := range errs {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		db := enginetest.NewClient(engine.URL, &http.Client{Transport: transport})
		store, err := dynamostore.New(db, "locks", dynamostore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			<-start
			errs[i] = store.CreateTable(t.Context(), lockstore.TableOptions{})
			if errs[i] == nil {
				_, errs[i] = store.Write(t.Context(), "k", ownerOnly)
			}
		})
	}
	close(start)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	db := enginetest.NewClient(engine.URL, &http.Client{Transport: transport})
	tables, err := db.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil || !slices.Equal(tables.TableNames, []string{"locks"}) || expiry(t, db, "locks") != "ttl" {
		t.Errorf("tables %v, %v", tables, err)
	}
}

// A table that exists is the user's: only item expiry is switched on.
func TestCreateTableLeavesTablesAlone(t *testing.T) {
	db := enginetest.Client(t)
	table := newName(t, db)
	_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModeProvisioned,
		ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(3), WriteCapacityUnits: aws.Int64(4)},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("key"), AttributeType: "S"}, {AttributeName: aws.String("owner"), AttributeType: "S"},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: "HASH"}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("by-owner"), KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("owner"), KeyType: "HASH"}},
			Projection:            &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(1)},
		}},
		DeletionProtectionEnabled: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	before := describe(t, db, table)
	w, store := newWire(t, table, dynamostore.Config{})
	if err := store.CreateTable(t.Context(), lockstore.TableOptions{Tags: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	now := describe(t, db, table)
	if !reflect.DeepEqual(now.BillingModeSummary, before.BillingModeSummary) || !reflect.DeepEqual(now.ProvisionedThroughput, before.ProvisionedThroughput) ||
		!aws.ToBool(now.DeletionProtectionEnabled) || len(now.GlobalSecondaryIndexes) != 1 {
		t.Errorf("it became %+v", now)
	}
	var ops []string
	for _, request := range w.requests() {
		ops = append(ops, request.op)
	}
	if !slices.Equal(ops, []string{"DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive"}) {
		t.Errorf("requests %v", ops)
	}
}

// Nobody needs the right to create a table that exists, nor to switch what is
// on already.
func TestCreateTableNeedsNoMoreThanItDoes(t *testing.T) {
	table := newName(t, enginetest.Client(t))
	_, maker := newWire(t, table, dynamostore.Config{})
	if err := maker.CreateTable(t.Context(), lockstore.TableOptions{}); err != nil {
		t.Fatal(err)
	}
	w, store := newWire(t, table, dynamostore.Config{})
	w.set(deny("CreateTable", "UpdateTimeToLive", "TagResource"))
	if err := store.CreateTable(t.Context(), lockstore.TableOptions{}); err != nil {
		t.Error(err)
	}
	w.set(deny("DescribeTimeToLive"))
	if err := store.CreateTable(t.Context(), lockstore.TableOptions{WithoutTTL: true}); err != nil {
		t.Error(err)
	}
}

func deny(ops ...string) fault {
	return func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if slices.Contains(ops, op) {
			return refusal(400, "AccessDeniedException", "User: u is not authorized to perform: dynamodb:"+op+" on resource: r"), nil
		}
		return send()
	}
}

func TestCreateTableDenied(t *testing.T) {
	for _, op := range []string{"CreateTable", "DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive"} {
		table := newName(t, enginetest.Client(t))
		w, store := newWire(t, table, dynamostore.Config{})
		w.set(deny(op))
		err := store.CreateTable(t.Context(), lockstore.TableOptions{})
		if e := storeError(t, err, lockstore.ErrAccessDenied); e.Op != op || !strings.Contains(e.Advice, "allow dynamodb:"+op+" on table "+table) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestCreateTableWithOtherKeys(t *testing.T) {
	for name, tt := range mismatches {
		r := newRigOn(t, tt.keys, tt.config)
		err := r.store.CreateTable(t.Context(), lockstore.TableOptions{})
		if e := storeError(t, err, lockstore.ErrTableSchema); e.Advice != "expected "+tt.expected+", found "+tt.found || e.Op != "DescribeTable" {
			t.Errorf("%s: %v", name, err)
		}
		if got := expiry(t, r.db, r.table); got != "" {
			t.Errorf("%s: item expiry was switched on", name)
		}
	}
}

// Item expiry on another attribute is somebody's own, and cannot be moved
// within an hour.
func TestCreateTableWithOtherExpiry(t *testing.T) {
	r := newRig(t)
	if _, err := r.db.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &r.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("mine"), Enabled: aws.Bool(true)},
	}); err != nil {
		t.Fatal(err)
	}
	err := r.store.CreateTable(t.Context(), lockstore.TableOptions{})
	e := storeError(t, err, lockstore.ErrInvalidRequest)
	if !strings.Contains(e.Advice, `on attribute "mine" and not on "ttl"`) || e.Op != "DescribeTimeToLive" {
		t.Error(err)
	}
	if err := r.store.CreateTable(t.Context(), lockstore.TableOptions{WithoutTTL: true}); err != nil {
		t.Error(err)
	}
	if got := expiry(t, r.db, r.table); got != "mine" {
		t.Errorf("item expiry is on %q", got)
	}
}

func TestCreateTableWithoutTheCalls(t *testing.T) {
	store := open(t, &stubAPI{})
	err := store.CreateTable(context.Background(), lockstore.TableOptions{})
	if e := storeError(t, err, lockstore.ErrInvalidRequest); e.Op != "CreateTable" || !strings.Contains(e.Advice, "*dynamostore_test.stubAPI lacks the methods of dynamostore.TableAPI") {
		t.Error(err)
	}
}
