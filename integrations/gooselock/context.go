package gooselock

import (
	"context"

	"github.com/kmdeveloping/dynalock"
)

type guardKey struct{}

// Context gives a copy of parent for one call of a provider, such as Up. It ends
// when the lock that the call took is lost; context.Cause then says how. Call the
// function afterwards, as with context.WithCancel.
func Context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	return context.WithValue(ctx, guardKey{}, cancel), func() { cancel(context.Canceled) }
}

// watch ends the context that Context gave, if ctx comes from it, when the lock
// ends otherwise than by Unlock, which calls what is returned first.
func watch(ctx context.Context, held *dynalock.Lock) (calm func()) {
	cancel, ok := ctx.Value(guardKey{}).(context.CancelCauseFunc)
	if !ok {
		return func() {}
	}
	tenure, end := held.Context(context.Background())
	stop := context.AfterFunc(tenure, func() { cancel(context.Cause(tenure)) })
	return func() {
		stop()
		end()
	}
}
