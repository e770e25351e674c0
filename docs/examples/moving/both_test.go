package moving_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// underBoth is the program of the time between: the old lock, and under it the
// new one.
func underBoth(ctx context.Context, old sync.Locker, client *dynalock.Client, key string, work func(context.Context) error) error {
	old.Lock() // always the old one first, so that no two wait for each other
	defer old.Unlock()
	return client.Do(ctx, key, func(ctx context.Context, _ *dynalock.Lock) error {
		return work(ctx)
	}, dynalock.Wait())
}

// A waiting is a redsync lock that waits, for the test's programs.
type waiting struct {
	t     *testing.T
	mutex *redsync.Mutex
}

func (w waiting) Lock() {
	if err := w.mutex.LockContext(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

func (w waiting) Unlock() {
	if ok, err := w.mutex.Unlock(); !ok || err != nil {
		w.t.Error(ok, err)
	}
}

// In each rollout two versions run side by side, and never do two programs work.
func TestBothWhileMoving(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	rs := redsync.New(goredis.NewPool(rdb))
	table := dynalocktest.New(t)

	oldLock := func() sync.Locker {
		return waiting{t, rs.NewMutex("job", redsync.WithTries(1000), redsync.WithRetryDelay(time.Millisecond), redsync.WithExpiry(time.Minute))}
	}
	type program func(work func(context.Context) error) error
	onlyOld := func(work func(context.Context) error) error {
		l := oldLock()
		l.Lock()
		defer l.Unlock()
		return work(t.Context())
	}
	onlyNew := func(client *dynalock.Client) program {
		return func(work func(context.Context) error) error { return insteadOfJob(t.Context(), client, work) }
	}
	between := func(client *dynalock.Client) program {
		return func(work func(context.Context) error) error {
			return underBoth(t.Context(), oldLock(), client, "job", work)
		}
	}
	a, b := table.Client(), table.Client()
	for name, fleet := range map[string][]program{
		"first rollout":  {onlyOld, onlyOld, between(a), between(b)},
		"second rollout": {between(a), between(b), onlyNew(a), onlyNew(b)},
	} {
		var working, overlaps, runs atomic.Int32
		var all sync.WaitGroup
		for _, p := range fleet {
			all.Go(func() {
				for range 5 {
					err := p(func(context.Context) error {
						if working.Add(1) > 1 {
							overlaps.Add(1)
						}
						time.Sleep(time.Millisecond) // real time: the others have to meet it
						working.Add(-1)
						runs.Add(1)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if overlaps.Load() != 0 || runs.Load() != 20 {
			t.Errorf("%s: %d times two worked at once, of %d", name, overlaps.Load(), runs.Load())
		}
	}
	// What is left out: from the old lock to the new one in one rollout.
	err := onlyOld(func(context.Context) error {
		return onlyNew(a)(func(context.Context) error { return errors.New("two work at once") })
	})
	if err == nil {
		t.Error("two rollouts would not be needed")
	}
}

func insteadOfJob(ctx context.Context, client *dynalock.Client, work func(context.Context) error) error {
	return client.Do(ctx, "job", func(ctx context.Context, _ *dynalock.Lock) error { return work(ctx) }, dynalock.Wait())
}
