package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
)

// key is the lock that all imports share.
const key = "prices"

const (
	// grace is how long after the deadline a request may still arrive that was
	// sent before it. Others wait for it only after a crash or a timeout.
	grace = 2 * time.Second
	// spare is kept at the end of an invocation for the release.
	spare = 500 * time.Millisecond
)

var errNoTime = errors.New("the function's time is nearly over; a retry goes on from here")

type function struct {
	db            *dynamodb.Client
	locks, prices string // tables
}

// handle is one invocation. Its errors are for retries: of a HeldError after
// the other list, of anything else to go on with this one.
func (f *function) handle(ctx context.Context, list priceList) (*result, error) {
	if err := list.check(); err != nil {
		return nil, err
	}
	// A client for each owner costs nothing: connections belong to f.db.
	// Whoever fences keeps the item, so no retention.
	owner := "list " + list.Name
	client := dynalock.NewDynalockClient(f.db, f.locks,
		dynalock.WithLockOwnerName(owner), dynalock.WithRetention(0))
	defer client.Close(ctx)

	lock, err := hold(ctx, client, owner)
	if err != nil {
		return nil, err
	}
	defer release(ctx, lock)

	deadline, _ := ctx.Deadline() // there is one: LeaseFromContext asked for it
	work, cancel := context.WithDeadlineCause(ctx, deadline.Add(-spare), errNoTime)
	defer cancel()
	work, stop := lock.Context(work)
	defer stop()
	return f.load(work, lock, list)
}

// hold takes the lock, or resumes it from an invocation of the same list that
// did not get to release it. Should that one live after all, as with an event
// that was delivered twice, it is superseded: it learns so by its next request
// for the lock, and its writes are fenced off.
func hold(ctx context.Context, client *dynalock.Client, owner string) (*dynalock.Lock, error) {
	lease := dynalock.LeaseFromContext(ctx, grace)
	lock, err := client.AcquireLock(ctx, key, lease)
	var held *dynalock.HeldError
	if errors.As(err, &held) && held.Owner == owner {
		return client.ResumeLock(ctx, key, lease)
	}
	return lock, err
}

// release has until the deadline: ctx is the invocation's own. If it fails, the
// lock ends with its lease.
func release(ctx context.Context, lock *dynalock.Lock) {
	if err := lock.Release(ctx); err != nil {
		slog.Warn("not released", "lock", lock, "error", err)
	}
}
