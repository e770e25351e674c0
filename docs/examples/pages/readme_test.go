package pages_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// The first lines of README.md.
func TestReadmeFirst(t *testing.T) {
	t.Parallel()
	table := dynalocktest.New(t)
	report := func(ctx context.Context, client *dynalock.Client, work func()) error {
		lock, err := client.AcquireLock(ctx, "nightly-report")
		if errors.Is(err, dynalock.ErrHeld) {
			return nil // somebody else does it
		}
		if err != nil {
			return err
		}
		defer lock.Release(ctx)
		work()
		return nil
	}
	first, second := table.Client(), table.Client()
	times := 0
	err := report(t.Context(), first, func() {
		times++
		if err := report(t.Context(), second, func() { times++ }); err != nil {
			t.Error(err)
		}
	})
	if err != nil || times != 1 {
		t.Errorf("done %d times, %v", times, err)
	}
	if holder := table.Holder("nightly-report"); holder != "" {
		t.Errorf("still held by %q", holder)
	}
}

// README.md, "Fencing": a later holder's write makes a former one's be refused.
func TestReadmeFencing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := enginetest.Client(t)
	accounts := enginetest.Table(t, db)
	key := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: "7"}}
	write := func(lock *dynalock.Lock, balance string) (err error) {
		newBalance := &types.AttributeValueMemberN{Value: balance}
		fence := lock.FenceCondition("lock_token")
		names := map[string]string{"#balance": "balance"}
		values := map[string]types.AttributeValue{":balance": newBalance}
		maps.Copy(names, fence.Names)
		maps.Copy(values, fence.Values)
		_, err = db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &accounts, Key: key,
			UpdateExpression:          aws.String("SET #balance = :balance, " + fence.Set),
			ConditionExpression:       &fence.Condition,
			ExpressionAttributeNames:  names,
			ExpressionAttributeValues: values,
		})
		return err
	}
	client := dynalocktest.New(t).Client()
	former, err := client.AcquireLock(ctx, "account/7")
	if err != nil {
		t.Fatal(err)
	}
	if err := write(former, "1"); err != nil {
		t.Error(err)
	}
	later, err := client.ResumeLock(ctx, "account/7")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(later, "2"), write(later, "3")); err != nil {
		t.Error(err)
	}
	var refused *types.ConditionalCheckFailedException
	if err := write(former, "4"); !errors.As(err, &refused) {
		t.Errorf("the former holder's write: %v", err)
	}
}
