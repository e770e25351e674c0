package dynalocktest

import (
	"context"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// Hold lets somebody of that owner name take the lock, before the program under
// test wants it, and gives the handle: release it, or leave it until the test
// ends. Options are those of an acquire; by default it is a durable lock. What
// Down and the like do does not touch it, and its requests are not counted.
func (b *Table) Hold(key, owner string, opts ...dynalock.AcquireOption) *dynalock.Lock {
	b.t.Helper()
	c := b.operator("Hold", owner)
	b.t.Cleanup(func() { b.close(c) })
	lock, err := c.AcquireLock(context.Background(), key, opts...)
	if err != nil {
		b.t.Fatalf("dynalocktest: Hold: %v", err)
	}
	return lock
}

// Wait lets somebody of that owner name stand in the queue of a lock that is
// held, in front of the program under test. When its turn comes it keeps the lock
// for that long, and releases it. Wait returns when it stands there, and does not
// wait for its turn.
func (b *Table) Wait(key, owner string, keeps time.Duration) {
	b.t.Helper()
	if n := len(b.held("Wait", key).Queue); n >= protocol.QueueBound {
		b.t.Fatalf("dynalocktest: Wait: %d wait for %q already, more do not stand in the queue", n, key)
	}
	b.operator("Wait", owner) // which checks the name
	there := make(chan struct{})
	arrive := sync.OnceFunc(func() { close(there) })
	c := dynalock.New(&queueing{b.store, arrive}, dynalock.WithLockOwnerName(owner))
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	b.t.Cleanup(func() {
		cancel()
		<-over
		b.close(c)
	})
	go func() {
		defer close(over)
		defer arrive()
		lock, err := c.AcquireLock(ctx, key, dynalock.Wait())
		if err != nil {
			if ctx.Err() == nil {
				b.t.Errorf("dynalocktest: Wait: %v", err)
			}
			return
		}
		arrive()
		timer := time.NewTimer(keeps)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		_ = lock.Release(context.WithoutCancel(ctx)) // what the test made of it meanwhile is its own affair
	}()
	<-there
}

// queueing is a store that tells when a client has come into a queue.
type queueing struct {
	lockstore.Store
	arrive func()
}

func (q *queueing) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	r, err := q.Store.Write(ctx, key, w)
	for _, change := range w.Do {
		if _, joins := change.(lockstore.AddWaiter); joins && r.Applied {
			q.arrive()
		}
	}
	return r, err
}
