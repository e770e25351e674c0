package moving_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// A foreign item in a table of locks: dynalock neither takes nor changes it,
// held or released, and says so.
func TestForeignItems(t *testing.T) {
	t.Parallel()
	db := enginetest.Client(t)
	table := enginetest.Table(t, db)
	client := dynalock.NewDynalockClient(db, table, dynalock.WithLockOwnerName("host-1"))
	defer client.Close(context.Background())
	for key, lease := range map[string]string{"cirello": "20s", "awslabs": "20000"} {
		for _, released := range []bool{false, true} {
			foreign := item{
				"key": text(key), "ownerName": text("host-1"), "leaseDuration": text(lease),
				"recordVersionNumber": text("1795926929404709:ABC"), "data": &types.AttributeValueMemberB{Value: []byte("x")},
			}
			if released {
				foreign["isReleased"] = text("1")
			}
			if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: foreign}); err != nil {
				t.Fatal(err)
			}
			for call, err := range map[string]error{
				"acquire": second(client.AcquireLock(t.Context(), key)),
				"resume":  second(client.ResumeLock(t.Context(), key)),
				"get":     second(client.GetLock(t.Context(), key)),
				"release": second(client.ReleaseLock(t.Context(), key)),
				"force":   second(client.ForceRelease(t.Context(), key, 0)),
			} {
				if !errors.Is(err, dynalock.ErrMalformed) {
					t.Errorf("%s, released %v, %s: %v", key, released, call, err)
				}
			}
			out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: item{"key": text(key)}, ConsistentRead: aws.Bool(true)})
			if err != nil || !reflect.DeepEqual(out.Item, foreign) {
				t.Errorf("%s was changed to %v, %v", key, out.Item, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The other way round: the conditions under which the others put their item
// in the place of one that is there (cirello dynamolock v2, client.go, and the
// Java client, as seen on the wire) hold for no item of dynalock's.
func TestOthersLeaveOurItems(t *testing.T) {
	t.Parallel()
	db := enginetest.Client(t)
	table := enginetest.Table(t, db)
	client := dynalock.NewDynalockClient(db, table)
	defer client.Close(context.Background())
	held, err := client.AcquireLock(t.Context(), "held")
	if err != nil {
		t.Fatal(err)
	}
	released, err := client.AcquireLock(t.Context(), "released")
	if err != nil {
		t.Fatal(err)
	}
	if err := released.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"held", "released"} {
		for _, condition := range []string{
			"attribute_not_exists(#k) OR (attribute_exists(#k) AND #released = :one)",
			"attribute_exists(#k) AND #version = :none",
		} {
			_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: &table, Item: item{"key": text(key)}, ConditionExpression: &condition,
				ExpressionAttributeNames:  used(condition, map[string]string{"#k": "key", "#released": "isReleased", "#version": "recordVersionNumber"}),
				ExpressionAttributeValues: used(condition, item{":one": text("1"), ":none": text("")}),
			})
			var refused *types.ConditionalCheckFailedException
			if !errors.As(err, &refused) {
				t.Errorf("%s, %s: %v", key, condition, err)
			}
		}
	}
	if !held.Held() {
		t.Error(held.Err())
	}
}

// used leaves out what an expression does not name, which would be refused.
func used[V any](expression string, all map[string]V) map[string]V {
	some := map[string]V{}
	for name, v := range all {
		if strings.Contains(expression, name) {
			some[name] = v
		}
	}
	return some
}
