//go:build unix

package main

import (
	"context"
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
)

// An account is an item of a table that has nothing to do with locks.
type account struct {
	db    *dynamodb.Client
	table string
	key   map[string]types.AttributeValue
}

func newAccount(db *dynamodb.Client) *account {
	return &account{db: db, table: "accounts", key: map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "7"},
	}}
}

// A way is how a holder of the lock reads and writes the account.
type way struct {
	read  func(*account, context.Context, *dynalock.Lock) (int, error)
	write func(*account, context.Context, *dynalock.Lock, int) error
}

var ways = map[string]way{
	"plain":   {(*account).read, (*account).write},
	"fenced":  {(*account).readFenced, (*account).writeFenced},
	"guarded": {(*account).read, (*account).writeGuarded},
}

// read reads consistently: what was written before the lock was taken.
func (a *account) read(ctx context.Context, _ *dynalock.Lock) (int, error) {
	out, err := a.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &a.table, Key: a.key, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return 0, err
	}
	return balance(out.Item)
}

// write is right as long as nobody is paused before it.
func (a *account) write(ctx context.Context, _ *dynalock.Lock, n int) error {
	_, err := a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.table, Key: a.key,
		UpdateExpression:          aws.String("SET #balance = :balance"),
		ExpressionAttributeNames:  map[string]string{"#balance": "balance"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":balance": number(n)},
	})
	return err
}

// readFenced reads and raises the fence in one write. From here on no former
// holder can change what was read.
func (a *account) readFenced(ctx context.Context, lock *dynalock.Lock) (int, error) {
	fence := lock.FenceCondition("lock_token")
	out, err := a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.table, Key: a.key,
		UpdateExpression:          aws.String("SET " + fence.Set),
		ConditionExpression:       &fence.Condition,
		ExpressionAttributeNames:  fence.Names,
		ExpressionAttributeValues: fence.Values,
		ReturnValues:              types.ReturnValueAllNew,
	})
	if err != nil {
		return 0, err
	}
	return balance(out.Attributes)
}

// writeFenced is refused once a holder of a higher token has been there.
func (a *account) writeFenced(ctx context.Context, lock *dynalock.Lock, n int) error {
	fence := lock.FenceCondition("lock_token")
	names := map[string]string{"#balance": "balance"}
	values := map[string]types.AttributeValue{":balance": number(n)}
	maps.Copy(names, fence.Names)
	maps.Copy(values, fence.Values)
	_, err := a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.table, Key: a.key,
		UpdateExpression:          aws.String("SET #balance = :balance, " + fence.Set),
		ConditionExpression:       &fence.Condition,
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	return err
}

// writeGuarded commits only while nobody else has taken the lock.
func (a *account) writeGuarded(ctx context.Context, lock *dynalock.Lock, n int) error {
	guard, err := lock.TransactGuard()
	if err != nil {
		return err // lost already: nothing was sent
	}
	_, err = a.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{guard, {Update: &types.Update{
			TableName: &a.table, Key: a.key,
			UpdateExpression:          aws.String("SET #balance = :balance"),
			ExpressionAttributeNames:  map[string]string{"#balance": "balance"},
			ExpressionAttributeValues: map[string]types.AttributeValue{":balance": number(n)},
		}}},
	})
	return err
}

func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func balance(item map[string]types.AttributeValue) (int, error) {
	n, ok := item["balance"].(*types.AttributeValueMemberN)
	if !ok {
		return 0, nil // an account that nobody has used yet
	}
	return strconv.Atoi(n.Value)
}
