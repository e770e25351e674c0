package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
)

const table = "bench"

// counts are the requests of the steps that users pay for most.
func (r *rig) counts() ([]report, error) {
	c := dynalock.NewDynalockClient(r.db, table)
	held, err := c.AcquireLock(r.ctx, "held")
	if err != nil {
		return nil, err
	}
	defer func() { _ = held.Release(r.ctx) }()
	var rows []report
	for _, step := range []struct {
		work, wanted string
		do           func() error
	}{
		{"acquire + release, free", "2 writes, 0 reads", func() error { return pair(r.ctx, c, "free") }},
		{"try of a held lock", "1 write, 0 reads", func() error {
			if _, err := c.AcquireLock(r.ctx, "held"); !errors.Is(err, dynalock.ErrHeld) {
				return fmt.Errorf("not held: %w", err)
			}
			return nil
		}},
		{"lapsed lock, fresh client", "at most 2 writes", func() error { return r.takeLapsed() }},
	} {
		writes, reads, err := r.requests.during(step.do)
		if err != nil {
			return nil, err
		}
		rows = append(rows, report{step.work, fmt.Sprintf("%d writes, %d reads", writes, reads), step.wanted})
	}
	return rows, nil
}

func pair(ctx context.Context, c *dynalock.Client, key string) error {
	l, err := c.AcquireLock(ctx, key)
	if err != nil {
		return err
	}
	return l.Release(ctx)
}

// takeLapsed takes over a lock whose holder has gone, as a process that has
// just started. The item is written as its holder left it an hour ago.
func (r *rig) takeLapsed() error {
	name, key := table, "lapsed"
	ago := time.Now().Add(-time.Hour)
	_, err := r.db.PutItem(r.ctx, &dynamodb.PutItemInput{TableName: &name, Item: map[string]types.AttributeValue{
		"key":        &types.AttributeValueMemberS{Value: key},
		"owner":      &types.AttributeValueMemberS{Value: "gone"},
		"nonce":      &types.AttributeValueMemberB{Value: make([]byte, 16)},
		"token":      &types.AttributeValueMemberN{Value: "1"},
		"seq":        &types.AttributeValueMemberN{Value: "1"},
		"lease":      &types.AttributeValueMemberN{Value: "20000"},
		"expires":    &types.AttributeValueMemberN{Value: fmt.Sprint(ago.UnixMilli())},
		"isReleased": &types.AttributeValueMemberBOOL{Value: false},
	}})
	if err != nil {
		return err
	}
	_, err = dynalock.NewDynalockClient(r.db, table).AcquireLock(r.ctx, key)
	return err
}

// pairs compares acquire and release with the same two UpdateItem calls made
// by the SDK alone.
func (r *rig) pairs(batches, n int) ([]report, error) {
	floor, err := r.record()
	if err != nil {
		return nil, err
	}
	c := dynalock.NewDynalockClient(r.db, table)
	ratios := make([]float64, 0, batches)
	var ours, bare time.Duration
	for i := range batches + 1 {
		a := func() error { return pair(r.ctx, c, "pair") }
		b := func() error { return floor.send(r.ctx, r.db) }
		order := []func() error{a, b}
		if i%2 == 1 {
			order = []func() error{b, a}
		}
		var took [2]time.Duration
		for j, f := range order {
			if took[j], err = timed(n, f); err != nil {
				return nil, err
			}
		}
		if i%2 == 1 {
			took[0], took[1] = took[1], took[0]
		}
		if i == 0 {
			continue // warm-up
		}
		ours, bare = ours+took[0], bare+took[1]
		ratios = append(ratios, took[0].Seconds()/took[1].Seconds())
	}
	slices.Sort(ratios)
	total := time.Duration(batches * n)
	return []report{
		{"time of a pair / bare SDK, median of batches", fmt.Sprintf("%.3f", ratios[len(ratios)/2]), "at most 1.15"},
		{"the same, quartiles", fmt.Sprintf("%.3f to %.3f", ratios[len(ratios)/4], ratios[len(ratios)*3/4]), ""},
		{"mean time of a pair, and of the bare SDK's", fmt.Sprintf("%v, %v", ours/total, bare/total), ""},
	}, nil
}

func timed(n int, f func() error) (time.Duration, error) {
	began := time.Now()
	for range n {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// A recording is the two requests of a pair.
type recording struct{ acquire, release *dynamodb.UpdateItemInput }

// recorder keeps what passes through it.
type recorder struct {
	*dynamodb.Client
	updates []*dynamodb.UpdateItemInput
}

func (r *recorder) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	r.updates = append(r.updates, in)
	return r.Client.UpdateItem(ctx, in, opts...)
}

func (r *rig) record() (recording, error) {
	rec := &recorder{Client: r.db}
	c := dynalock.NewDynalockClient(rec, table)
	// The second pair: the first request of a client is shorter than all later
	// ones, because it cannot ask for a lapsed lease yet.
	for range 2 {
		if err := pair(r.ctx, c, "floor"); err != nil {
			return recording{}, err
		}
	}
	if len(rec.updates) != 4 {
		return recording{}, fmt.Errorf("two pairs were %d updates", len(rec.updates))
	}
	return recording{rec.updates[2], rec.updates[3]}, nil
}

// send repeats the recorded pair with a nonce of its own.
func (r recording) send(ctx context.Context, db *dynamodb.Client) error {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce)
	for _, in := range []*dynamodb.UpdateItemInput{r.acquire, r.release} {
		with := *in
		with.ExpressionAttributeValues = maps.Clone(in.ExpressionAttributeValues)
		for name, value := range with.ExpressionAttributeValues {
			if b, ok := value.(*types.AttributeValueMemberB); ok && len(b.Value) == len(nonce) {
				with.ExpressionAttributeValues[name] = &types.AttributeValueMemberB{Value: nonce}
			}
		}
		if _, err := db.UpdateItem(ctx, &with); err != nil {
			return err
		}
	}
	return nil
}
