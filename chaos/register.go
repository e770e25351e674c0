package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/chaos/history"
)

// A register is an item of the worker's own, changed under the lock: read, and
// written anew from what was read. See history.Register.
type register interface {
	name() string
	// read gives the last update in it.
	read(ctx context.Context, l *dynalock.Lock) (last string, err error)
	// write makes an update: an error of errFenced if the fence refused it.
	write(ctx context.Context, l *dynalock.Lock, prev, id string) error
}

var errFenced = errors.New("refused by the fence")

// registers are those that the key's lock protects. Fences need tokens that
// rise, which deletion gives up.
func (w *worker) registers(key string) []register {
	switch {
	case key == w.Deleting:
		return nil
	case w.db == nil:
		return []register{&served{w, key + "/served"}, &served{w, key + "/bare"}}
	}
	return []register{&fenced{w, key + "/fence"}, &guarded{w, key + "/guard"}, &served{w, key + "/served"}, &served{w, key + "/bare"}}
}

// change makes an update. Between reading and writing it takes its time: that
// is where a process must be stopped to lose the lock without knowing.
func (h *hold) change(rng *rand.Rand, r register) {
	if h.spoiled[r.name()] {
		return // an update that may yet arrive: nobody may go on from here
	}
	// Limits of their own: a process that was stopped in between must not be
	// kept from its late write by one that has passed.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	prev, err := r.read(ctx, h.lock)
	cancel()
	if err != nil {
		return
	}
	time.Sleep(between(rng, 0, 20*time.Millisecond))
	e := h.event(history.Write)
	e.Register, e.Prev, e.ID = r.name(), prev, fmt.Sprintf("%s-%d", h.w.process(), h.w.updates.Add(1))
	n, from := h.w.begin(e)
	ctx, cancel = context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err = r.write(ctx, h.lock, prev, e.ID)
	e.At, e.From, e.Kind, e.Call = history.Now(), from, history.End, n
	switch {
	case err == nil:
		e.Outcome = history.OK
	case errors.Is(err, errFenced):
		e.Outcome = history.Refused
	default:
		e.Outcome, e.Error = history.Unknown, err.Error()
		h.spoiled[r.name()] = true
	}
	h.w.log.Add(e)
}

// once sends a request once: a second copy of an update could arrive late, and
// undo what this process did after it.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

func item(name string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: name}}
}

func nameOf(item map[string]types.AttributeValue) string {
	if s, ok := item["key"].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func lastOf(item map[string]types.AttributeValue) string {
	if s, ok := item["last"].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// fenced is protected by FenceCondition. Reading writes the token too: a fence
// that only writes raise would let the former holder's late write in between a
// read and the write that follows from it.
type fenced struct {
	w    *worker
	item string
}

func (r *fenced) name() string { return r.item }

func (r *fenced) read(ctx context.Context, l *dynalock.Lock) (string, error) {
	fence := l.FenceCondition("token")
	out, err := r.w.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.w.Items, Key: item(r.item), ReturnValues: types.ReturnValueAllNew,
		UpdateExpression: aws.String("SET " + fence.Set), ConditionExpression: &fence.Condition,
		ExpressionAttributeNames: fence.Names, ExpressionAttributeValues: fence.Values,
	}, once)
	if err != nil {
		return "", err
	}
	return lastOf(out.Attributes), nil
}

func (r *fenced) write(ctx context.Context, l *dynalock.Lock, prev, id string) error {
	fence := l.FenceCondition("token")
	values := map[string]types.AttributeValue{":last": text(id), ":prev": text(prev)}
	names := map[string]string{"#last": "last", "#prev": "prev"}
	maps.Copy(values, fence.Values)
	maps.Copy(names, fence.Names)
	_, err := r.w.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.w.Items, Key: item(r.item), ConditionExpression: &fence.Condition,
		UpdateExpression:         aws.String("SET #last = :last, #prev = :prev, " + fence.Set),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}, once)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return errFenced
	}
	return err
}

// guarded is protected by TransactGuard: its writes commit only while the lock's
// item still shows this tenure, so reading needs no fence.
type guarded struct {
	w    *worker
	item string
}

func (r *guarded) name() string { return r.item }

func (r *guarded) read(ctx context.Context, _ *dynalock.Lock) (string, error) {
	out, err := r.w.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.w.Items, Key: item(r.item), ConsistentRead: aws.Bool(true),
	}, once)
	if err != nil {
		return "", err
	}
	return lastOf(out.Item), nil
}

func (r *guarded) write(ctx context.Context, l *dynalock.Lock, prev, id string) error {
	guard, err := l.TransactGuard()
	if err != nil {
		return errFenced // the handle knows that it has ended: nothing was sent
	}
	_, err = r.w.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{guard, {
		Update: &types.Update{
			TableName: &r.w.Items, Key: item(r.item), UpdateExpression: aws.String("SET #last = :last, #prev = :prev"),
			ExpressionAttributeNames:  map[string]string{"#last": "last", "#prev": "prev"},
			ExpressionAttributeValues: map[string]types.AttributeValue{":last": text(id), ":prev": text(prev)},
		},
	}}}, once)
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return errFenced
	}
	return err
}
