package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

const workers = 3

// work takes locks until ctx ends: workers that compete, a crashed one whose
// lock another takes over, and an operator who forces one now and then. A turn
// lasts about that long.
func work(ctx context.Context, watch *otellock.Instrumentation, turn time.Duration) {
	table := priced{memstore.New()}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			c := dynalock.New(table, watch.ClientOption(attribute.String("aws.dynamodb.table_names", "locks")))
			for ctx.Err() == nil {
				compete(ctx, c, turn)
				takeOver(ctx, table, c)
			}
			// The context has ended; what is held is released all the same.
			_ = c.Close(context.WithoutCancel(ctx))
		})
	}
	all.Go(func() {
		operator := dynalock.New(table)
		for pause(ctx, 10*turn) {
			if info, err := operator.GetLock(ctx, "report"); err == nil {
				_, _ = operator.ForceRelease(ctx, "report", info.Token)
			}
		}
		_ = operator.Close(context.WithoutCancel(ctx))
	})
	all.Wait()
}

// compete does a piece of work under a live lock that all want.
func compete(ctx context.Context, c *dynalock.Client, turn time.Duration) {
	_ = c.Do(ctx, "report", func(ctx context.Context, _ *dynalock.Lock) error {
		pause(ctx, turn/2+rand.N(turn))
		return nil
	}, dynalock.WithLease(time.Second), dynalock.WaitFor(10*turn))
}

// takeOver leaves a lock behind, as a process does that dies, and takes it when
// its lease has ended.
func takeOver(ctx context.Context, table lockstore.Store, c *dynalock.Client) {
	crashed := dynalock.New(table)
	_, err := crashed.AcquireLock(ctx, "job", dynalock.WithLease(time.Second))
	_ = crashed.Close(ctx) // which leaves a durable lock as it is
	if err != nil {
		return
	}
	if l, err := c.AcquireLock(ctx, "job", dynalock.WaitFor(10*time.Second)); err == nil {
		_ = l.Release(ctx)
	}
}

// pause waits, or reports false if ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// priced makes up what DynamoDB would charge for small items. With a table of
// DynamoDB the client tells what it reports.
type priced struct{ lockstore.Store }

func (p priced) Get(ctx context.Context, key string, how lockstore.Consistency) (lockstore.Result, error) {
	r, err := p.Store.Get(ctx, key, how)
	if r.Units = 0.5; how == lockstore.Consistent {
		r.Units = 1
	}
	return r, err
}

func (p priced) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	r, err := p.Store.Write(ctx, key, w)
	if err == nil {
		r.Units, r.Estimated = 1, !r.Applied
	}
	return r, err
}
