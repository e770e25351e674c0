package dynalock_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A rawItem is an item as the engine has it, read beside the library.
type rawItem = map[string]types.AttributeValue

// item reads an item as it is; nil: there is none.
func (e *engineTable) item(key string) rawItem {
	e.t.Helper()
	out, err := e.db.GetItem(ever, &dynamodb.GetItemInput{
		TableName: &e.name, Key: e.key(key), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return out.Item
}

func (e *engineTable) key(key string) rawItem {
	k := rawItem{e.keys.Partition: attrS(key)}
	if e.keys.Sort != "" {
		k[e.keys.Sort] = attrS(e.sort)
	}
	return k
}

func (e *engineTable) put(it rawItem) {
	e.t.Helper()
	if _, err := e.db.PutItem(ever, &dynamodb.PutItemInput{TableName: &e.name, Item: it}); err != nil {
		e.t.Fatal(err)
	}
}

func (e *engineTable) remove(key string) {
	e.t.Helper()
	if _, err := e.db.DeleteItem(ever, &dynamodb.DeleteItemInput{TableName: &e.name, Key: e.key(key)}); err != nil {
		e.t.Fatal(err)
	}
}

// beats is how often the lock was written, or the record of its session.
func (e *engineTable) beats(key string) int64 {
	e.t.Helper()
	it := e.item(key)
	n := numberOf(it, "seq")
	if session, is := it["session"].(*types.AttributeValueMemberS); is {
		n += numberOf(e.item(session.Value), "seq")
	}
	return n
}

// queued is how many wait in the lock's queue.
func (e *engineTable) queued(key string) int {
	e.t.Helper()
	queue, _ := e.item(key)["queue"].(*types.AttributeValueMemberL)
	if queue == nil {
		return 0
	}
	return len(queue.Value)
}

// unchanged fails the test unless the item is what it was.
func (e *engineTable) unchanged(key string, was rawItem) {
	e.t.Helper()
	if now := e.item(key); !reflect.DeepEqual(now, was) {
		e.t.Errorf("the item changed:\nfrom %s\nto   %s", showItem(was), showItem(now))
	}
}

// free reports whether the row shows a lock that nobody holds.
func (e *engineTable) free(key string) bool {
	e.t.Helper()
	it := e.item(key)
	return it == nil || boolOf(it, "isReleased")
}

func attrS(s string) types.AttributeValue  { return &types.AttributeValueMemberS{Value: s} }
func attrB(s string) types.AttributeValue  { return &types.AttributeValueMemberB{Value: []byte(s)} }
func attrBool(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }
func attrN(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func boolOf(it rawItem, name string) bool {
	b, ok := it[name].(*types.AttributeValueMemberBOOL)
	return ok && b.Value
}

// numberOf gives 0 where there is no number.
func numberOf(it rawItem, name string) int64 {
	if v, ok := it[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64)
		return n
	}
	return 0
}

// textOf gives a string or bytes.
func textOf(it rawItem, name string) string {
	switch v := it[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	}
	return ""
}

// showItem is for messages.
func showItem(it rawItem) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(it)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, plain(it[name])))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("0x%x", v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberL:
		var list []any
		for _, x := range v.Value {
			list = append(list, plain(x))
		}
		return list
	case *types.AttributeValueMemberM:
		return showItem(v.Value)
	}
	return fmt.Sprintf("%T", v)
}
