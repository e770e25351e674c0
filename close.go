package dynalock

import (
	"context"
	"errors"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Close ends the client: its live locks (KeepAlive) are released, durable ones
// stay as they are, waiting calls end with [ErrClosed], and so does every
// handle. It ends every goroutine of the client. If ctx ends first, Close
// returns its error, and what could not be released ends with its lease.
//
// A store given to [New] is not closed. Close may be called again.
func (c *Client) Close(ctx context.Context) error {
	switch {
	case c == nil || c.setupErr != nil || c.store == nil:
		return nil // there is nothing to end
	case ctx == nil:
		return invalidOption("the context is nil")
	}
	locks, orphans := c.beginClose()
	// Every belief first: what follows may take its time.
	for _, l := range locks {
		_ = l.end(ErrClosed)
	}
	var live []*Lock
	for _, l := range locks {
		if l.live {
			live = append(live, l)
		}
	}
	err := c.releaseAll(ctx, live)
	for key, nonces := range orphans {
		for _, nonce := range nonces {
			if ctx.Err() == nil {
				c.clean(ctx, key, nonce)
			}
		}
	}
	return errors.Join(err, c.endWork(ctx))
}

// beginClose forbids new work and gives what there is.
func (c *Client) beginClose() ([]*Lock, map[string][]lockstore.Nonce) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.unserve()
	locks := make([]*Lock, 0, len(c.locks))
	for l := range c.locks {
		locks = append(locks, l)
	}
	orphans := map[string][]lockstore.Nonce{}
	for key, k := range c.keys {
		for nonce := range k.orphans {
			orphans[key] = append(orphans[key], nonce)
		}
	}
	if c.working == 0 {
		closeOnce(c.idle)
	}
	return locks, orphans
}

// releaseAll releases the locks, some at a time.
func (c *Client) releaseAll(ctx context.Context, locks []*Lock) error {
	errs := make(chan error, len(locks))
	slots := make(chan struct{}, maxRenewals)
	started := 0
	for _, l := range locks {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		started++
		go func() {
			defer func() { <-slots }()
			errs <- l.finish(ctx)
		}()
	}
	var all []error
	for range started {
		var lost *LostError
		if err := <-errs; err != nil && !errors.As(err, &lost) {
			all = append(all, err)
		}
	}
	if started < len(locks) {
		all = append(all, ended(ctx, nil))
	}
	return errors.Join(all...)
}

// endWork waits for the goroutines that settle things behind calls, and stops
// them when ctx ends.
func (c *Client) endWork(ctx context.Context) error {
	defer c.stop()
	for {
		c.mu.Lock()
		idle, working := c.idle, c.working
		if working == 0 {
			c.stop() // under the mutex: nothing starts after this look
			c.mu.Unlock()
			return nil
		}
		if closed(idle) { // work began after the last had ended
			c.idle = make(chan struct{})
			idle = c.idle
		}
		c.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			c.stop()
			<-idle
			return ended(ctx, nil)
		}
	}
}
