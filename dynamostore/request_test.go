package dynamostore_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// word is whatever an expression calls by name: placeholders, values, and what
// would be a bare attribute name if it is no word of the language.
var word = regexp.MustCompile(`[#:]?[A-Za-z_][A-Za-z0-9_]*|[#:][0-9]+`)

var language = []string{"SET", "REMOVE", "AND", "OR", "if_not_exists", "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with"}

// Which names are reserved words changes with DynamoDB, so that a bare name
// that works today may not tomorrow. Names and values that no expression uses
// are refused, and so are doubled parentheses, which this engine lets pass in
// part.
func checkExpressions(t *testing.T, request seen) {
	t.Helper()
	used := map[string]bool{}
	for _, field := range []string{"UpdateExpression", "ConditionExpression", "FilterExpression"} {
		expression, _ := request.body[field].(string)
		if strings.Contains(expression, "((") {
			t.Errorf("%s has redundant parentheses: %s", field, expression)
		}
		for _, w := range word.FindAllString(expression, -1) {
			used[w] = true
			if w[0] != '#' && w[0] != ':' && !slices.Contains(language, w) {
				t.Errorf("%s names %q bare: %s", field, w, expression)
			}
		}
	}
	for _, field := range []string{"ExpressionAttributeNames", "ExpressionAttributeValues"} {
		named, _ := request.body[field].(map[string]any)
		for name := range named {
			if !used[name] {
				t.Errorf("%s has %s, which is not used", field, name)
			}
			delete(used, name)
		}
	}
	for w := range used {
		if w[0] == '#' || w[0] == ':' {
			t.Errorf("%s is not defined in %v", w, request.body)
		}
	}
}

func TestEveryNameIsAPlaceholder(t *testing.T) {
	r := newRigOn(t, enginetest.Keys{Partition: "pk", Sort: "sk"}, dynamostore.Config{PartitionKey: "pk", SortKey: "sk", SortValue: "lock"})
	g := generator{rand.New(rand.NewPCG(1, 2))}
	r.write("all", lockstore.Write{Do: g.changes()})
	for range 200 {
		r.write(fmt.Sprint("k", g.IntN(3)), g.write(nil))
	}
	for _, prefix := range []string{"", "k"} {
		if _, err := r.store.Scan(t.Context(), lockstore.Query{Prefix: prefix}); err != nil {
			t.Fatal(err)
		}
	}
	requests := r.wire.requests()
	if len(requests) < 203 {
		t.Fatalf("%d requests", len(requests))
	}
	for _, request := range requests {
		checkExpressions(t, request)
	}
}

// What each call costs stands in the package's text.
func TestOneRequestTellsAll(t *testing.T) {
	r := newRig(t)
	owner := []lockstore.Change{lockstore.SetOwner("o")}
	for _, tt := range []struct {
		name string
		call func() error
		want map[string]any
		ops  []string
	}{
		{"consistent read", func() error { _, err := r.store.Get(t.Context(), "k", lockstore.Consistent); return err },
			map[string]any{"ConsistentRead": true}, []string{"GetItem"}},
		{"eventual read", func() error { _, err := r.store.Get(t.Context(), "k", lockstore.Eventual); return err },
			map[string]any{"ConsistentRead": false}, []string{"GetItem"}},
		{"update", func() error { _, err := r.store.Write(t.Context(), "k", lockstore.Write{Do: owner}); return err },
			map[string]any{"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, []string{"UpdateItem"}},
		{"failed update", func() error {
			_, err := r.store.Write(t.Context(), "k", lockstore.Write{If: lockstore.All(lockstore.Absent{}), Do: owner})
			return err
		}, map[string]any{"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, []string{"UpdateItem"}},
		{"delete", func() error { _, err := r.store.Write(t.Context(), "k", lockstore.Write{Delete: true}); return err },
			map[string]any{"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, []string{"DeleteItem"}},
		{"scan", func() error { _, err := r.store.Scan(t.Context(), lockstore.Query{Consistent: true}); return err },
			map[string]any{"ConsistentRead": true}, []string{"Scan", "GetItem"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.wire.set(nil)
			if err := tt.call(); err != nil {
				t.Fatal(err)
			}
			var ops []string
			for _, request := range r.wire.requests() {
				ops = append(ops, request.op)
			}
			if !slices.Equal(ops, tt.ops) {
				t.Fatalf("requests %v, want %v", ops, tt.ops)
			}
			for field, want := range tt.want {
				if got := r.wire.requests()[0].body[field]; got != want {
					t.Errorf("%s is %v, want %v", field, got, want)
				}
			}
		})
	}
}

// Nothing is sent of what could not be read again, or would arrive as
// something else.
func TestRefusedBeforeSending(t *testing.T) {
	r := newRig(t)
	do := func(changes ...lockstore.Change) lockstore.Write { return lockstore.Write{Do: changes} }
	owner := lockstore.SetOwner("o")
	for name, tt := range map[string]struct {
		key  string
		w    lockstore.Write
		want error
	}{
		"no key":              {"", do(owner), lockstore.ErrInvalidRequest},
		"long key":            {strings.Repeat("k", 2049), do(owner), lockstore.ErrInvalidRequest},
		"key no UTF-8":        {"k\xff", do(owner), lockstore.ErrInvalidRequest},
		"owner no UTF-8":      {"k", do(lockstore.SetOwner("o\xff")), lockstore.ErrInvalidRequest},
		"session no UTF-8":    {"k", do(owner, lockstore.SetSession("o\xff")), lockstore.ErrInvalidRequest},
		"last no UTF-8":       {"k", do(owner, lockstore.SetLast{By: "o\xff"}), lockstore.ErrInvalidRequest},
		"short nonce":         {"k", do(owner, lockstore.SetNonce("short")), lockstore.ErrInvalidRequest},
		"last's short nonce":  {"k", do(owner, lockstore.SetLast{Nonce: "short"}), lockstore.ErrInvalidRequest},
		"negative token":      {"k", do(owner, lockstore.SetToken(-1)), lockstore.ErrInvalidRequest},
		"negative base":       {"k", do(owner, lockstore.NextToken(-1)), lockstore.ErrInvalidRequest},
		"negative seq":        {"k", do(owner, lockstore.SetSeq(-1)), lockstore.ErrInvalidRequest},
		"negative lease":      {"k", do(owner, lockstore.SetLease(-time.Second)), lockstore.ErrInvalidRequest},
		"longest lease":       {"k", do(owner, lockstore.SetLease(1<<63-1)), lockstore.ErrInvalidRequest},
		"expires before 1970": {"k", do(owner, lockstore.SetExpires(time.Unix(-1, 0))), lockstore.ErrInvalidRequest},
		"ttl in year 10000":   {"k", do(owner, lockstore.SetTTL(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))), lockstore.ErrInvalidRequest},
		"twice":               {"k", do(owner, lockstore.SetSeq(1), lockstore.NextSeq{}), lockstore.ErrInvalidRequest},
		"place -1":            {"k", lockstore.Write{If: lockstore.All(lockstore.NoWaiterAt(-1)), Do: []lockstore.Change{owner}}, lockstore.ErrInvalidRequest},
		"waiter at -1":        {"k", lockstore.Write{If: lockstore.All(lockstore.WaiterAt{Place: -1}), Delete: true}, lockstore.ErrInvalidRequest},
		"data too large":      {"k", do(owner, lockstore.SetData{Bytes: make([]byte, 400<<10)}), lockstore.ErrDataTooLarge},
		"one byte too large":  {"k", do(owner, lockstore.SetData{Bytes: make([]byte, 400<<10-1024-1)}), lockstore.ErrDataTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := r.store.Write(t.Context(), tt.key, tt.w)
			if e := storeError(t, err, tt.want); e.Unknown || e.Op == "" || e.Scope != r.table || res.Applied {
				t.Errorf("got %+v, %#v", res, e)
			}
		})
	}
	for name, q := range map[string]lockstore.Query{
		"limit": {Limit: -1}, "prefix": {Prefix: "a\xc3"}, "page": {After: "no page"}, "page of another store": {After: "MTprZXlzb3J0"},
	} {
		_, err := r.store.Scan(t.Context(), q)
		if storeError(t, err, lockstore.ErrInvalidRequest).Op != "Scan" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := r.wire.requests(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
}

// What fits by itself may still be too much with what is there already.
func TestItemTooLarge(t *testing.T) {
	r := newRig(t)
	r.put(attributes{"key": text("k"), "owner": text("o"), "mine": binary(strings.Repeat("x", 200<<10))})
	w := lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o"), lockstore.SetData{Bytes: make([]byte, 300<<10)}}}
	_, err := r.store.Write(t.Context(), "k", w)
	if e := storeError(t, err, lockstore.ErrDataTooLarge); e.Unknown || e.Advice == "" {
		t.Errorf("%+v", e)
	}
	r.write("other", w)
	if it := r.item("k"); it["data"] != nil {
		t.Error("written all the same")
	}
}

// The caller's bytes are its own again after the call, also where the call
// was given up and its request is still being put together.
func TestRequestHasItsOwnBytes(t *testing.T) {
	stub := &stubAPI{}
	store, err := dynamostore.New(stub, "locks", dynamostore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("data")
	_, _ = store.Write(t.Context(), "k", lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o"), lockstore.SetData{Bytes: data}}})
	clear(data)
	if got := bytesIn(stub.updated.ExpressionAttributeValues); string(got) != "data" {
		t.Errorf("the request has %q", got)
	}
}
