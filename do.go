package dynalock

import (
	"context"
	"errors"
)

// Do takes the lock with [KeepAlive], calls fn, and releases. The context that
// fn gets ends when the lock is lost, with the *[LostError] as its cause: fn
// should end soon then. The error is fn's, joined with that of a lost lock or
// of a failed release. The lock is released too if fn panics or calls
// runtime.Goexit.
func (c *Client) Do(ctx context.Context, key string, fn func(context.Context, *Lock) error, opts ...AcquireOption) (err error) {
	if fn == nil {
		return invalidOption("Do got a nil function")
	}
	l, err := c.AcquireLock(ctx, key, append([]AcquireOption{KeepAlive()}, opts...)...)
	if err != nil {
		return err
	}
	during, cancel := l.Context(ctx)
	defer cancel()
	defer func() {
		// The caller's context may have ended: the release has its own limit.
		released := l.Release(context.WithoutCancel(ctx))
		if during.Err() != nil && ctx.Err() == nil {
			// The end of fn's context was ours, not the caller's.
			err = mask(err)
		}
		if how := l.Err(); released == nil && how != ErrReleased {
			released = how // the client was closed meanwhile
		}
		err = join(err, released)
	}()
	return fn(during, l)
}

// join leaves a single error as it is.
func join(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}
