package dynalock

import (
	"context"
	"time"
)

// answer makes the error of a change that of a call.
func (l *Lock) answer(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if own := l.Err(); own != nil {
		return own
	}
	return l.c.failure(ctx, err)
}

// Renew makes the lease begin anew. One write. A lock with [KeepAlive] is
// renewed without it. A failed renewal is no loss: the lock is held until its
// lease ends, and Renew may be called again.
func (l *Lock) Renew(ctx context.Context) error {
	return l.renewFor(ctx, keepLease)
}

// Extend makes the lease begin anew with another length, 1 s to 10 years,
// which later renewals keep. One write. It may shorten the lease, but not below
// [HoldAtLeast], and not that of a tenure which other handles share.
func (l *Lock) Extend(ctx context.Context, lease time.Duration) error {
	if lease < MinLease || lease > MaxLease {
		return invalidOption("the lease %v is not between %v and %v", lease, MinLease, MaxLease)
	}
	return l.renewFor(ctx, lease)
}

func (l *Lock) renewFor(ctx context.Context, lease time.Duration) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	limited, cancel := limit(ctx)
	defer cancel()
	err := l.change(limited, &change{step: "renew", renew: true, lease: lease})
	if err == nil {
		l.renewed()
	}
	return l.answer(ctx, err)
}

// Update replaces the data stored with the lock; nil removes it. One write; it
// does not renew.
func (l *Lock) Update(ctx context.Context, data []byte) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	data = clone(data)
	sealed, err := l.c.seal(l.key, data)
	if err != nil {
		return err
	}
	limited, cancel := limit(ctx)
	defer cancel()
	return l.answer(ctx, l.change(limited, &change{step: "update", data: sealed, plain: data}))
}

func (l *Lock) ready(ctx context.Context) error {
	if ctx == nil {
		return invalidOption("the context is nil")
	}
	if err := l.Err(); err != nil {
		return err
	}
	return ended(ctx, nil)
}
