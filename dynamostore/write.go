package dynamostore

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// itemOverhead is set aside for the record beside key, texts and data: names,
// numbers and a queue.
const itemOverhead = 1024

// Write implements [lockstore.Store]: one UpdateItem or, for a Delete, one
// DeleteItem. It costs a write unit for each KB of the item, whether or not
// the condition holds.
func (s *Store) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	if w.Delete {
		return s.delete(ctx, key, w.If)
	}
	return s.update(ctx, key, w)
}

func (s *Store) update(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	const op = "UpdateItem"
	in, err := s.updateInput(key, w)
	if err != nil {
		return lockstore.Result{}, err
	}
	out, a, err := attempt(ctx, op, in, s.db.UpdateItem)
	if err == nil && len(out.Attributes) == 0 {
		err = errNoAnswer // ALL_NEW has the keys at least
	}
	if err != nil {
		return s.failedWrite(ctx, a, w.If, err, in.Key, in.ExpressionAttributeValues)
	}
	result := lockstore.Result{Applied: true, Time: timeOf(out.ResultMetadata), Units: charged(out.ConsumedCapacity)}
	if result.Record, err = decode(out.Attributes); err != nil {
		return result, s.malformed(op, err, true)
	}
	return result, nil
}

func (s *Store) updateInput(key string, w lockstore.Write) (*dynamodb.UpdateItemInput, error) {
	const op = "UpdateItem"
	if err := s.checkKey(op, key); err != nil {
		return nil, err
	}
	e := newExpression(s)
	condition, err := e.condition(w.If)
	if err != nil {
		return nil, s.invalid(op, err.Error())
	}
	u := update{expression: e}
	change, err := u.text(w.Do)
	if err != nil {
		return nil, s.invalid(op, err.Error())
	}
	if size := len(key) + u.bytes; size > maxItemBytes-itemOverhead {
		return nil, &lockstore.Error{
			Kind: lockstore.ErrDataTooLarge, Op: op, Scope: s.table,
			Advice: fmt.Sprintf("key, owner and data have %d bytes; DynamoDB takes items of %d, of which the record needs up to %d",
				size, maxItemBytes, itemOverhead),
		}
	}
	return &dynamodb.UpdateItemInput{
		TableName:                           aws.String(s.table),
		Key:                                 s.key(key),
		UpdateExpression:                    optional(change),
		ConditionExpression:                 optional(condition),
		ExpressionAttributeNames:            e.names(),
		ExpressionAttributeValues:           e.valueMap(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              s.report,
	}, nil
}

func (s *Store) delete(ctx context.Context, key string, c lockstore.Condition) (lockstore.Result, error) {
	const op = "DeleteItem"
	if err := s.checkKey(op, key); err != nil {
		return lockstore.Result{}, err
	}
	e := newExpression(s)
	condition, err := e.condition(c)
	if err != nil {
		return lockstore.Result{}, s.invalid(op, err.Error())
	}
	in := &dynamodb.DeleteItemInput{
		TableName:                           aws.String(s.table),
		Key:                                 s.key(key),
		ConditionExpression:                 optional(condition),
		ExpressionAttributeNames:            e.names(),
		ExpressionAttributeValues:           e.valueMap(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              s.report,
	}
	out, a, err := attempt(ctx, op, in, s.db.DeleteItem)
	if err != nil {
		return s.failedWrite(ctx, a, c, err, in.Key)
	}
	return lockstore.Result{Applied: true, Time: timeOf(out.ResultMetadata), Units: charged(out.ConsumedCapacity)}, nil
}

// failedWrite tells a failed condition, which is an answer, from a failure.
func (s *Store) failedWrite(ctx context.Context, a *attempted, c lockstore.Condition, err error, sent ...item) (lockstore.Result, error) {
	result := lockstore.Result{Time: timeOfFailure(err)}
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || !refused(httpStatus(err)) {
		return result, s.fail(ctx, a, err)
	}
	if s.report != "" {
		result.Units, result.Estimated = estimate(failed.Item, sent...), true
	}
	record, bad := decode(failed.Item)
	if bad != nil {
		return result, s.malformed(a.op, bad, false)
	}
	if record == nil {
		// Some engines leave the item out, and every lock would look free.
		if holds, _ := c.Holds(nil); holds {
			return result, s.invalid(a.op, "this endpoint does not give the item with a failed condition (ReturnValuesOnConditionCheckFailure)")
		}
	}
	result.Record = record
	return result, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
