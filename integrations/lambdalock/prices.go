package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
)

// A priceList is the event.
type priceList struct {
	Name   string  `json:"list"` // a date: later lists have greater names
	Prices []price `json:"prices"`
}

type price struct {
	Item  string `json:"item"`
	Cents int    `json:"cents"`
}

// A result tells what an invocation did: it set the prices from First to
// before Next, of a list.
type result struct {
	Token    uint64 `json:"token"`
	First    int    `json:"first"`
	Next     int    `json:"next"`
	Outdated bool   `json:"outdated,omitempty"` // nothing, since a later list came first
}

// progress is the lock's data.
type progress struct {
	List string `json:"list"`
	Next int    `json:"next"` // all prices before it are set
}

var errFenced = errors.New("a later holder of the lock has set it")

func (l priceList) check() error {
	if l.Name == "" {
		return errors.New("the event has no list")
	}
	for i, p := range l.Prices {
		if p.Item == "" {
			return fmt.Errorf("price %d has no item", i)
		}
	}
	return nil
}

// load sets the prices that no former invocation has set. Setting one twice
// does no harm, so progress may lag behind by one.
func (f *function) load(ctx context.Context, lock *dynalock.Lock, list priceList) (*result, error) {
	var p progress
	if data := lock.Data(); data != nil {
		if err := json.Unmarshal(data, &p); err != nil {
			return nil, fmt.Errorf("the lock's data: %w", err)
		}
	}
	switch {
	case p.List > list.Name:
		return &result{Token: lock.Token(), Outdated: true}, nil
	case p.List < list.Name:
		p = progress{List: list.Name}
	}
	r := &result{Token: lock.Token(), First: p.Next}
	for p.Next < len(list.Prices) {
		if err := f.set(ctx, lock, list.Prices[p.Next]); err != nil {
			return nil, err
		}
		p.Next++
		data, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		if err := lock.Update(ctx, data); err != nil {
			return nil, err
		}
	}
	r.Next = p.Next
	return r, nil
}

// set writes a price, unless a later holder of the lock has written it.
func (f *function) set(ctx context.Context, lock *dynalock.Lock, p price) error {
	fence := lock.FenceCondition("lock_token")
	names := map[string]string{"#cents": "cents"}
	values := map[string]types.AttributeValue{":cents": &types.AttributeValueMemberN{Value: strconv.Itoa(p.Cents)}}
	maps.Copy(names, fence.Names)
	maps.Copy(values, fence.Values)
	_, err := f.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &f.prices,
		Key:                       map[string]types.AttributeValue{"item": &types.AttributeValueMemberS{Value: p.Item}},
		UpdateExpression:          aws.String("SET #cents = :cents, " + fence.Set),
		ConditionExpression:       &fence.Condition,
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	var refused *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &refused):
		err = errFenced
	case ctx.Err() != nil:
		err = context.Cause(ctx) // the lock was lost, or the time is over
	}
	if err != nil {
		return fmt.Errorf("the price of %s: %w", p.Item, err)
	}
	return nil
}
