package dynalock

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// Limits of a call. Each request is sent once by the store; whether it is sent
// again is decided here, where every moment of sending is noted.
const (
	// attemptLimit is how long one request may take.
	attemptLimit = 5 * time.Second
	// callLimit is how long a call may take whose context sets no limit.
	callLimit = 15 * time.Second
	// callTries is how often one call sends a request that fails.
	callTries = 4
	// cleanLimit is how long work in the background may take: releases whose
	// caller has gone, and what late requests left behind.
	cleanLimit = 30 * time.Second
	// racesLost is how often one try is repeated that lost a race for a lock
	// which looked free.
	racesLost = 4

	backoffMin = 25 * time.Millisecond
	// throttledMin: DynamoDB's limits are by the second.
	throttledMin = 100 * time.Millisecond
)

// An answer is a store's result and when it was asked and had answered.
type answer struct {
	lockstore.Result
	asked, answered protocol.Moment
}

// write sends one write, once.
func (c *Client) write(ctx context.Context, step, key string, w lockstore.Write) (answer, error) {
	return c.request(ctx, step, key, func(ctx context.Context) (lockstore.Result, error) {
		return c.store.Write(ctx, key, w)
	})
}

// read reads the record once.
func (c *Client) read(ctx context.Context, key string, how lockstore.Consistency) (answer, error) {
	return c.request(ctx, "get", key, func(ctx context.Context) (lockstore.Result, error) {
		return c.store.Get(ctx, key, how)
	})
}

func (c *Client) request(ctx context.Context, step, key string, send func(context.Context) (lockstore.Result, error)) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, attemptLimit) // which keeps an earlier end
	defer cancel()
	a := answer{asked: c.clock.now()}
	var err error
	a.Result, err = send(limited)
	a.answered = c.clock.now()
	if c.clock.learn(a.asked, a.answered, a.Time) {
		c.alarms.recheck()
	}
	if len(c.set.observers) > 0 {
		c.tellRequest(ctx, Event{
			Kind: EventRequest, Key: key, Step: step, Took: a.answered.Mono - a.asked.Mono,
			Units: a.Units, Estimated: a.Estimated,
			Refused: err == nil && step != "get" && step != "scan" && !a.Applied, Err: mask(err),
		})
	}
	return a, err
}

// unknown reports whether a write that failed may have been made all the same.
// Of an error that is none of the store's nothing is known.
func unknown(err error) bool {
	var e *lockstore.Error
	return !errors.As(err, &e) || e.Unknown
}

// transient reports whether the same request may succeed if it is sent again.
func transient(err error) bool {
	return errors.Is(err, lockstore.ErrUnavailable) || errors.Is(err, lockstore.ErrThrottled)
}

// backoff waits before try n is repeated. It reports false if there is no time
// for it, or quit was closed.
func (c *Client) backoff(ctx context.Context, quit <-chan struct{}, n int, err error) bool {
	least := backoffMin
	if errors.Is(err, lockstore.ErrThrottled) {
		least = throttledMin
	}
	return c.sleep(ctx, quit, c.jitter(least<<n/2, least<<n))
}

// sleep waits for d, or reports false if the context ends or quit closes.
func (c *Client) sleep(ctx context.Context, quit <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-quit:
	}
	return false
}

// limit gives a call's context a deadline where it has none.
func limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, callLimit)
}

// untilClosed gives a call's context that ends with the client too.
func (c *Client) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.serving, cancel)
	return own, func() { stop(); cancel() }
}

// retry calls step until it needs no more tries, or the call's budget is used
// up. step returns the store's error; nil ends it.
func (c *Client) retry(ctx context.Context, step func(context.Context) error) error {
	own, stop := c.untilClosed(ctx)
	defer stop()
	limited, cancel := limit(own)
	defer cancel()
	for n := 0; ; n++ {
		err := step(limited)
		if err == nil || !transient(err) || n+1 == callTries || !c.backoff(limited, c.closing, n, err) {
			if transient(err) && closed(c.closing) && ctx.Err() == nil {
				return ErrClosed
			}
			return c.failure(ctx, err)
		}
	}
}

// failure makes an error of a request one of a call: without context errors of
// our own, and with the caller's if its context ended.
func (c *Client) failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return ended(ctx, mask(err))
}

// readNow reads the record for a decision.
func (c *Client) readNow(ctx context.Context, key string) (*lockstore.Record, error) {
	var r *lockstore.Record
	err := c.retry(ctx, func(ctx context.Context) error {
		a, err := c.read(ctx, key, lockstore.Consistent)
		if err != nil {
			return err
		}
		r = a.Record
		c.see(key, r, a.answered)
		return nil
	})
	return r, err
}
