package dynamostore_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

var withSort = dynamostore.Config{SortKey: "sk", SortValue: "lock"}

// mismatches are tables that are not what the store was told.
var mismatches = map[string]struct {
	keys            enginetest.Keys
	config          dynamostore.Config
	expected, found string
}{
	"another name": {enginetest.Keys{Partition: "id"}, dynamostore.Config{},
		`partition key "key" of type S and no sort key`, `partition key "id" of type S and no sort key`},
	"a sort key not told of": {enginetest.Keys{Sort: "sk"}, dynamostore.Config{},
		`partition key "key" of type S and no sort key`, `partition key "key" of type S and sort key "sk" of type S`},
	"no sort key": {enginetest.Keys{}, withSort,
		`partition key "key" of type S and sort key "sk" of type S`, `partition key "key" of type S and no sort key`},
	"another sort key": {enginetest.Keys{Sort: "range"}, withSort,
		`partition key "key" of type S and sort key "sk" of type S`, `partition key "key" of type S and sort key "range" of type S`},
	"a number": {enginetest.Keys{PartitionType: "N"}, dynamostore.Config{},
		`partition key "key" of type S and no sort key`, `partition key "key" of type N and no sort key`},
	"bytes": {enginetest.Keys{PartitionType: "B"}, dynamostore.Config{},
		`partition key "key" of type S and no sort key`, `partition key "key" of type B and no sort key`},
	"a number to sort by": {enginetest.Keys{Sort: "sk", SortType: "N"}, withSort,
		`partition key "key" of type S and sort key "sk" of type S`, `partition key "key" of type S and sort key "sk" of type N`},
}

// Every call names both, also a Scan, which DynamoDB answers on any table.
func TestOtherKeys(t *testing.T) {
	for name, tt := range mismatches {
		t.Run(name, func(t *testing.T) {
			r := newRigOn(t, tt.keys, tt.config)
			for op, call := range calls {
				err := call(t.Context(), r.store)
				if e := storeError(t, err, lockstore.ErrTableSchema); e.Unknown || e.Op != op || e.Advice != "expected "+tt.expected+", found "+tt.found {
					t.Errorf("%s: %v", op, err)
				}
			}
		})
	}
}

// Scan sees the other keys in what it finds as well.
func TestOtherKeysByItems(t *testing.T) {
	for name, tt := range mismatches {
		t.Run(name, func(t *testing.T) {
			r := newRigOn(t, tt.keys, tt.config)
			for i := range 3 {
				it := attributes{"id": text(fmt.Sprint(i)), "key": text(fmt.Sprint(i)), "sk": text("lock"), "range": text("r")}
				switch {
				case tt.keys.Partition != "":
					delete(it, "key")
				case tt.keys.PartitionType == "N":
					it["key"] = number(fmt.Sprint(i))
				case tt.keys.PartitionType == "B":
					it["key"] = binary(fmt.Sprint(i))
				case tt.keys.SortType == "N":
					it["sk"] = number("1")
				}
				r.put(it)
			}
			if tt.keys.Sort == "" && tt.config.SortKey == "" {
				r.wire.set(deny("GetItem")) // the items alone must tell, where they can
			}
			for _, limit := range []int{0, 1} {
				_, err := r.store.Scan(t.Context(), lockstore.Query{Limit: limit})
				storeError(t, err, lockstore.ErrTableSchema)
			}
		})
	}
}

// Where nobody may look at the table the error says what it would need.
func TestOtherKeysWithoutTheRight(t *testing.T) {
	tt := mismatches["another name"]
	r := newRigOn(t, tt.keys, tt.config)
	r.wire.set(deny("DescribeTable"))
	_, err := r.store.Get(t.Context(), "k", lockstore.Consistent)
	e := storeError(t, err, lockstore.ErrTableSchema)
	if e.Advice != "expected "+tt.expected+"; allow dynamodb:DescribeTable to learn what it has" {
		t.Error(e.Advice)
	}
	r.wire.set(func(req *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".DescribeTable") {
			return refusal(500, "InternalServerError", ""), nil
		}
		return send()
	})
	_, err = r.store.Get(t.Context(), "k", lockstore.Consistent)
	if e := storeError(t, err, lockstore.ErrTableSchema); e.Advice != "expected "+tt.expected {
		t.Error(e.Advice)
	}
	// The same behind an API that cannot look.
	bare, err := dynamostore.New(struct{ dynamostore.API }{enginetest.Client(t)}, r.table, tt.config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = bare.Get(t.Context(), "k", lockstore.Consistent)
	if e := storeError(t, err, lockstore.ErrTableSchema); e.Advice != "expected "+tt.expected {
		t.Error(e.Advice)
	}
}

// A page is good also where its keys cannot be asked for.
func TestScanWithoutGetItem(t *testing.T) {
	r := newRig(t)
	r.write("k", ownerOnly)
	r.wire.set(deny("GetItem"))
	page, err := r.store.Scan(t.Context(), lockstore.Query{})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

// With a sort key, what lies under other sort values is not the store's.
func TestSortValuesAreApart(t *testing.T) {
	db := enginetest.Client(t)
	table := enginetest.Table(t, db, enginetest.Keys{Sort: "sk"})
	open := func(value string) *dynamostore.Store {
		s, err := dynamostore.New(db, table, dynamostore.Config{SortKey: "sk", SortValue: value})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := open("a"), open("b")
	w := ownerOnly
	w.If = lockstore.All(lockstore.Absent{})
	for _, s := range []*dynamostore.Store{a, b} {
		if res, err := s.Write(t.Context(), "k", w); err != nil || !res.Applied {
			t.Fatal(res, err)
		}
	}
	if res, err := a.Write(t.Context(), "k", lockstore.Write{Delete: true}); err != nil || !res.Applied {
		t.Fatal(res, err)
	}
	for s, want := range map[*dynamostore.Store]int{a: 0, b: 1} {
		page, err := s.Scan(t.Context(), lockstore.Query{Prefix: "k"})
		if err != nil || len(page.Items) != want {
			t.Errorf("%d items, %v; want %d", len(page.Items), err, want)
		}
	}
}

func TestTableNotFound(t *testing.T) {
	_, store := newWire(t, "no-such-table", dynamostore.Config{})
	for op, call := range calls {
		err := call(t.Context(), store)
		if e := storeError(t, err, lockstore.ErrTableNotFound); e.Unknown || e.Scope != "no-such-table" {
			t.Errorf("%s: %+v", op, e)
		}
	}
}

func TestNew(t *testing.T) {
	type config = dynamostore.Config
	db := enginetest.NewClient("http://127.0.0.1:1", nil)
	var nilClient *dynamodb.Client
	long := strings.Repeat("x", 256)
	for name, tt := range map[string]struct {
		db     dynamostore.API
		table  string
		config config
		want   string // part of the error; empty: none
	}{
		"plain":               {db, "locks", config{}, ""},
		"with keys":           {db, "locks", config{PartitionKey: "pk", SortKey: "sk", SortValue: "v"}, ""},
		"nil":                 {nil, "locks", config{}, "client is nil"},
		"typed nil":           {nilClient, "locks", config{}, "client is nil"},
		"no table":            {db, "", config{}, "table name is empty"},
		"long name":           {db, "locks", config{PartitionKey: long}, "255"},
		"name no UTF-8":       {db, "locks", config{PartitionKey: "k\xff"}, "UTF-8"},
		"reserved":            {db, "locks", config{PartitionKey: "owner"}, `"owner" is an attribute of a lock's record`},
		"reserved sort key":   {db, "locks", config{SortKey: "seq", SortValue: "v"}, `"seq" is an attribute`},
		"same name twice":     {db, "locks", config{SortKey: "key", SortValue: "v"}, "partition key name too"},
		"no sort value":       {db, "locks", config{SortKey: "sk"}, "sort key value is empty"},
		"no sort key":         {db, "locks", config{SortValue: "v"}, "without a sort key name"},
		"long sort value":     {db, "locks", config{SortKey: "sk", SortValue: strings.Repeat("x", 1025)}, "1024"},
		"sort value no UTF-8": {db, "locks", config{SortKey: "sk", SortValue: "\xff"}, "UTF-8"},
	} {
		s, err := dynamostore.New(tt.db, tt.table, tt.config)
		switch {
		case tt.want == "" && (err != nil || s.Info().Scope != "locks" || s.Info().ClockMargin <= 0):
			t.Errorf("%s: %v", name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || s != nil):
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// What a caller does to a guard's parts is no matter of the store's.
func TestGuardIsTheCallersOwn(t *testing.T) {
	stub := &stubAPI{}
	store, err := dynamostore.New(stub, "locks", withSort)
	if err != nil {
		t.Fatal(err)
	}
	check := store.Guard("k", nonce1).ConditionCheck
	*check.TableName = "another"
	clear(check.Key)
	_, _ = store.Write(context.Background(), "k", ownerOnly)
	if *stub.updated.TableName != "locks" || len(stub.updated.Key) != 2 || store.Info().Scope != "locks" {
		t.Error("the guard shares something with the store")
	}
}
