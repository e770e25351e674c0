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

// pairRow is about a lock that nobody else wants.
func (b *bench) pairRow() ([]figure, error) {
	batches, n := 60, 100
	if b.quick {
		batches, n = 4, 20
	}
	figures, err := b.counts()
	if err != nil {
		return nil, err
	}
	pairs, err := b.pairs(batches, n)
	return append(figures, pairs...), err
}

// counts are the requests of the steps that users pay for most.
func (b *bench) counts() ([]figure, error) {
	p, err := newProxy(b.engine.URL, 0)
	if err != nil {
		return nil, err
	}
	defer p.close()
	c := newLibrary(newSDK(p.url), table, false)
	held, err := c.AcquireLock(b.ctx, "held")
	if err != nil {
		return nil, err
	}
	defer func() { _ = held.Release(b.ctx) }()
	var figures []figure
	for _, step := range []struct {
		work, wanted  string
		writes, reads int
		do            func() error
	}{
		{"acquire + release, free: requests", "2 writes, 0 reads", 2, 0, func() error { return pair(b.ctx, c, "free") }},
		{"try of a held lock: requests", "1 write, 0 reads", 1, 0, func() error {
			if _, err := c.AcquireLock(b.ctx, "held"); !errors.Is(err, dynalock.ErrHeld) {
				return fmt.Errorf("not held: %w", err)
			}
			return nil
		}},
		{"lapsed lock, fresh client: requests", "at most 2 writes, 0 reads", 2, 0, func() error { return b.takeLapsed(p) }},
	} {
		began := time.Now().UnixNano()
		if err := step.do(); err != nil {
			return nil, err
		}
		t := p.since(began)
		figures = append(figures, figure{
			work: step.work, got: fmt.Sprintf("%d writes, %d reads", t.writes, t.reads),
			wanted: step.wanted, met: t.writes <= step.writes && t.reads <= step.reads && t.writes > 0,
		})
	}
	return figures, nil
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
func (b *bench) takeLapsed(p *proxy) error {
	name, key := table, "lapsed"
	ago := time.Now().Add(-time.Hour)
	_, err := b.db.PutItem(b.ctx, &dynamodb.PutItemInput{TableName: &name, Item: map[string]types.AttributeValue{
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
	_, err = newLibrary(newSDK(p.url), table, false).AcquireLock(b.ctx, key)
	return err
}

// pairs compares acquire and release with the same two UpdateItem calls made
// by the SDK alone, and with the Java client's, in batches that take turns.
func (b *bench) pairs(batches, n int) ([]figure, error) {
	floor, err := b.record()
	if err != nil {
		return nil, err
	}
	c := newLibrary(b.db, table, false)
	kinds := []func() (time.Duration, error){
		func() (time.Duration, error) { return timed(n, func() error { return pair(b.ctx, c, "pair") }) },
		func() (time.Duration, error) { return timed(n, func() error { return floor.send(b.ctx, b.db) }) },
	}
	var javaSends string
	if b.java != nil {
		j, err := b.java.pairs(b, n)
		if err != nil {
			return nil, err
		}
		defer func() { _ = j.kill() }()
		kinds, javaSends = append(kinds, j.batch), j.sends
	}
	took := make([][]time.Duration, len(kinds)) // by kind and batch
	for i := range batches + 1 {
		for j := range kinds {
			k := (i + j) % len(kinds)
			d, err := kinds[k]()
			if err != nil {
				return nil, err
			}
			if i > 0 { // after a warm-up
				took[k] = append(took[k], d/time.Duration(n))
			}
		}
	}
	return pairFigures(took, javaSends), nil
}

func pairFigures(took [][]time.Duration, javaSends string) []figure {
	against := func(k int) []float64 {
		var all []float64
		for i, d := range took[0] {
			all = append(all, d.Seconds()/took[k][i].Seconds())
		}
		slices.Sort(all)
		return all
	}
	floor := against(1)
	middle := floor[len(floor)/2]
	f := figure{
		work: "acquire + release, free: time, median of batches, µs",
		got:  fmt.Sprintf("%.0f", micros(took[0])), wanted: "at most 1.15 of the floor", met: middle <= 1.15,
		beside: fmt.Sprintf("floor %.0f", micros(took[1])),
		ratio:  fmt.Sprintf("%.3f (quartiles %.3f, %.3f)", middle, floor[len(floor)/4], floor[len(floor)*3/4]),
	}
	sent := figure{work: "the same: requests of the Java client", java: javaSends}
	if len(took) < 3 {
		return []figure{f}
	}
	java := against(2)
	f.java, f.javaRatio = fmt.Sprintf("%.0f", micros(took[2])), fmt.Sprintf("%.2f", java[len(java)/2])
	return []figure{f, sent}
}

func micros(all []time.Duration) float64 {
	return float64(quantile(all, 0.5)) / float64(time.Microsecond)
}

// timed is how long n calls of f take.
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

func (b *bench) record() (recording, error) {
	rec := &recorder{Client: b.db}
	c := dynalock.NewDynalockClient(rec, table)
	// The second pair: the first request of a client is shorter than all later
	// ones, because it cannot ask for a lapsed lease yet.
	for range 2 {
		if err := pair(b.ctx, c, "floor"); err != nil {
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
