package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/chaos/history"
)

// comeBack is what a process does first whose former one was killed: it goes on
// with some of that one's locks, releases some, and leaves the others. Nobody
// else has a handle under this owner name by then, so it is no exception.
func (w *worker) comeBack(rng *rand.Rand, busy *sync.WaitGroup) {
	for _, key := range w.Keys {
		ctx, cancel := context.WithTimeout(context.Background(), between(rng, 100*time.Millisecond, 3*time.Second))
		switch rng.IntN(6) {
		case 0, 1:
			if h := w.resume(ctx, rng, key); h != nil {
				mine := rand.New(rand.NewPCG(rng.Uint64(), 0))
				busy.Go(func() {
					h.work(mine, between(mine, 0, time.Second))
					h.release(context.Background(), h.lock.Release)
				})
			}
		case 2:
			w.releaseKey(ctx, key)
		case 3:
			w.byKey(history.UpdateKey, key, func() error { return w.client.UpdateLock(ctx, key, []byte("by key")) })
		}
		cancel()
	}
}

func (w *worker) byKey(op, key string, f func() error) {
	e := history.Event{Op: op, Key: key}
	n, from := w.begin(e)
	w.answer(n, from, e, f())
}

func (w *worker) releaseKey(ctx context.Context, key string) {
	w.byKey(history.ReleaseKey, key, func() error {
		_, err := w.client.ReleaseLock(ctx, key)
		return err
	})
}

func (w *worker) resume(ctx context.Context, rng *rand.Rand, key string) *hold {
	lease := liveLeases[rng.IntN(len(liveLeases))]
	e := history.Event{Op: history.Resume, Key: key, Lease: int64(lease)}
	opts := []dynalock.AcquireOption{dynalock.WithLease(lease)}
	if e.Live = rng.IntN(2) == 0; e.Live {
		opts = append(opts, dynalock.KeepAlive())
	}
	n, from := w.begin(e)
	l, err := w.client.ResumeLock(ctx, key, opts...)
	return w.got(n, from, e, l, &atomic.Bool{}, err)
}

// exception ends a tenure from outside, whoever has it.
func (w *worker) exception(ctx context.Context, rng *rand.Rand, key string) {
	switch rng.IntN(4) {
	case 0:
		w.releaseKey(ctx, key)
	case 1:
		if h := w.resume(ctx, rng, key); h != nil {
			h.release(context.Background(), h.lock.Release)
		}
	case 2:
		info, err := w.client.GetLock(ctx, key)
		if err != nil || info.Token == 0 {
			return
		}
		w.byKey(history.Force, key, func() error {
			_, err := w.client.ForceRelease(ctx, key, info.Token)
			return err
		})
	case 3:
		if key == w.Deleting && w.db != nil { // who fences keeps the item
			w.byKey(history.Delete, key, func() error { return w.remove(ctx, key) })
		}
	}
}

// remove deletes the item by hand.
func (w *worker) remove(ctx context.Context, key string) error {
	_, err := w.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &w.Table, Key: map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: key}},
	})
	if err != nil {
		return errors.Join(dynalock.ErrUnavailable, err)
	}
	return nil
}
