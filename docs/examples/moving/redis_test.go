// The programs of docs/moving: with another lock, and with dynalock.
package moving_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/bsm/redislock"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// errBusy is what all of these programs answer if another holds the lock.
var errBusy = errors.New("another holds the lock")

// redsync, with the renewals that a program of its own has to make.

func byRedsync(ctx context.Context, rs *redsync.Redsync, work func(context.Context) error) error {
	mutex := rs.NewMutex("nightly", redsync.WithExpiry(20*time.Second))
	if err := mutex.TryLockContext(ctx); err != nil {
		return errors.Join(errBusy, err) // or Redis does not answer
	}
	defer mutex.Unlock()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for range time.Tick(6 * time.Second) {
			if ok, err := mutex.ExtendContext(ctx); !ok || err != nil {
				stop() // lost, perhaps
				return
			}
		}
	}()
	return work(ctx)
}

func insteadOfRedsync(ctx context.Context, client *dynalock.Client, work func(context.Context) error) error {
	err := client.Do(ctx, "nightly", func(ctx context.Context, _ *dynalock.Lock) error {
		return work(ctx) // ctx ends when the lock is lost
	})
	if errors.Is(err, dynalock.ErrHeld) {
		return errBusy
	}
	return err
}

// redislock, waiting for ten seconds.

func byRedislock(ctx context.Context, locker *redislock.Client, work func(context.Context) error) error {
	lock, err := locker.Obtain(ctx, "nightly", time.Minute, &redislock.Options{
		RetryStrategy: redislock.LimitRetry(redislock.LinearBackoff(100*time.Millisecond), 100),
	})
	if errors.Is(err, redislock.ErrNotObtained) {
		return errBusy
	}
	if err != nil {
		return err
	}
	defer lock.Release(ctx)
	return work(ctx)
}

func insteadOfRedislock(ctx context.Context, client *dynalock.Client, work func(context.Context) error) error {
	lock, err := client.AcquireLock(ctx, "nightly",
		dynalock.WithLease(time.Minute), dynalock.WaitFor(10*time.Second))
	if errors.Is(err, dynalock.ErrHeld) {
		return errBusy
	}
	if err != nil {
		return err
	}
	defer lock.Release(ctx)
	return work(ctx)
}

// SET NX, and the script that deletes only what is one's own.

const unlock = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end`

func bySetNX(ctx context.Context, rdb *redis.Client, work func(context.Context) error) error {
	me := rand.Text()
	ok, err := rdb.SetNX(ctx, "nightly", me, time.Minute).Result()
	if err != nil {
		return err
	}
	if !ok {
		return errBusy
	}
	defer rdb.Eval(ctx, unlock, []string{"nightly"}, me)
	return work(ctx)
}

// instead of SET NX it is the same as instead of redislock, without a wait.

func TestRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	rs := redsync.New(goredis.NewPool(rdb))
	table := dynalocktest.New(t)
	client, other := table.Client(), table.Client()
	type work = func(context.Context) error
	for name, run := range map[string][2]func(context.Context, work) error{
		"redsync": both(func(ctx context.Context, w work) error { return byRedsync(ctx, rs, w) }),
		"SET NX":  both(func(ctx context.Context, w work) error { return bySetNX(ctx, rdb, w) }),
		"redislock": {
			func(ctx context.Context, w work) error { return byRedislock(ctx, redislock.New(rdb), w) },
			func(ctx context.Context, w work) error { return bySetNX(ctx, rdb, w) }, // which does not wait
		},
		"instead of redsync": {
			func(ctx context.Context, w work) error { return insteadOfRedsync(ctx, client, w) },
			func(ctx context.Context, w work) error { return insteadOfRedsync(ctx, other, w) },
		},
		"instead of redislock": {
			func(ctx context.Context, w work) error { return insteadOfRedislock(ctx, client, w) },
			func(ctx context.Context, w work) error { return insteadOfRedsync(ctx, other, w) }, // which does not wait
		},
	} {
		excludes(t, name, run)
	}
}

func both[F any](f F) [2]F { return [2]F{f, f} }

// excludes wants the second program to be refused while the first works, and
// to work afterwards.
func excludes(t *testing.T, name string, run [2]func(context.Context, func(context.Context) error) error) {
	t.Helper()
	done := 0
	again := func(context.Context) error { done++; return nil }
	err := run[0](t.Context(), func(ctx context.Context) error {
		done++
		if err := run[1](ctx, again); !errors.Is(err, errBusy) {
			t.Errorf("%s: the second gets %v", name, err)
		}
		return nil
	})
	if err := errors.Join(err, run[1](t.Context(), again)); err != nil || done != 2 {
		t.Errorf("%s: %v, worked %d times", name, err, done)
	}
}
