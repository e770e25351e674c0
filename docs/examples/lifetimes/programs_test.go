// The programs of docs/lifetimes.md, and what becomes of their locks.
package lifetimes_test

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// Durable: two steps of one import, in two processes of the owner name "import".

func begin(ctx context.Context, client *dynalock.Client) error {
	_, err := client.AcquireLock(ctx, "import", dynalock.WithData([]byte("row 0")))
	return err // the process ends, the lock stays
}

func finish(ctx context.Context, client *dynalock.Client, work func(context.Context, *dynalock.Lock) error) error {
	lock, err := client.ResumeLock(ctx, "import") // this owner's, or an error
	if err != nil {
		return err
	}
	if err := work(ctx, lock); err != nil {
		return err // it stays taken, and the next process goes on
	}
	return lock.Release(ctx)
}

// WithLease: a backup that takes 40 minutes or so.

func backup(ctx context.Context, client *dynalock.Client, parts []func(context.Context) error) (err error) {
	lock, err := client.AcquireLock(ctx, "backup", dynalock.WithLease(time.Hour))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release(context.WithoutCancel(ctx))) }()
	ctx, cancel := lock.Context(ctx)
	defer cancel()
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
		if err := lock.Renew(ctx); err != nil { // another hour from here
			return err
		}
	}
	return nil
}

// LeaseFromContext: a Lambda handler.

func handler(ctx context.Context, client *dynalock.Client, work func(context.Context) error) error {
	lock, err := client.AcquireLock(ctx, "reindex", dynalock.LeaseFromContext(ctx, 2*time.Second))
	if errors.Is(err, dynalock.ErrHeld) {
		return nil // another invocation is at it
	}
	if err != nil {
		return err
	}
	defer lock.Release(context.WithoutCancel(ctx))
	return work(ctx)
}

// WithoutLease: nobody may deploy until somebody says so.

func freeze(ctx context.Context, client *dynalock.Client, why string) error {
	_, err := client.AcquireLock(ctx, "deploy", dynalock.WithoutLease(), dynalock.WithData([]byte(why)))
	return err
}

func thaw(ctx context.Context, client *dynalock.Client) error {
	_, err := client.ReleaseLock(ctx, "deploy") // from any process of the same owner name
	return err
}

// KeepAlive: a leader, until its lock or its context ends.

func lead(ctx context.Context, client *dynalock.Client, serve func(context.Context) error) error {
	lock, err := client.AcquireLock(ctx, "leader", dynalock.KeepAlive(), dynalock.Wait())
	if err != nil {
		return err
	}
	defer lock.Release(context.WithoutCancel(ctx))
	ctx, cancel := lock.Context(ctx)
	defer cancel()
	if err := serve(ctx); ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// HoldAtLeast: the same job on several schedulers.

func everyMinute(ctx context.Context, client *dynalock.Client, job func(context.Context) error) error {
	lock, err := client.AcquireLock(ctx, "every-minute",
		dynalock.KeepAlive(), dynalock.HoldAtLeast(50*time.Second))
	if errors.Is(err, dynalock.ErrHeld) {
		return nil // another scheduler has this minute
	}
	if err != nil {
		return err
	}
	defer lock.Release(context.WithoutCancel(ctx)) // others stay out for the rest of the 50 s
	return job(ctx)
}

// HoldAtMost, and Do.

func rebuild(ctx context.Context, client *dynalock.Client, work func(context.Context) error) error {
	return client.Do(ctx, "rebuild", func(ctx context.Context, lock *dynalock.Lock) error {
		return work(ctx) // ctx ends when the lock is lost
	}, dynalock.WaitFor(time.Minute), dynalock.HoldAtMost(10*time.Minute))
}
