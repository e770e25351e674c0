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
	locks := c.beginClose()
	// Every belief first: what follows may take its time.
	for _, l := range locks {
		_ = l.end(ErrClosed)
	}
	var live []*Lock
	for _, l := range locks {
		if l.live && l.members == nil {
			live = append(live, l)
		}
	}
	err := c.releaseAll(ctx, live)
	c.endSessions(ctx)
	late := c.waitIdle(ctx) // calls under way leave what they sent
	for key, nonces := range c.leftBehind() {
		for _, nonce := range nonces {
			if ctx.Err() == nil {
				c.clean(ctx, key, nonce, c.orphaned)
			}
		}
	}
	if late == nil {
		late = c.waitIdle(ctx)
	}
	c.stop()
	return errors.Join(err, late)
}

// beginClose forbids new work and gives what there is.
func (c *Client) beginClose() []*Lock {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.unserve()
	locks := make([]*Lock, 0, len(c.locks))
	for l := range c.locks {
		locks = append(locks, l)
	}
	if c.working == 0 {
		closeOnce(c.idle)
	}
	return locks
}

func (c *Client) leftBehind() map[string][]lockstore.Nonce {
	c.mu.Lock()
	defer c.mu.Unlock()
	orphans := map[string][]lockstore.Nonce{}
	for key, k := range c.keys {
		for nonce := range k.orphans {
			orphans[key] = append(orphans[key], nonce)
		}
	}
	return orphans
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

// waitIdle waits for the calls under way and what they left to settle, and
// tells it to stop when ctx ends. What does not listen is not waited for: it
// may be an observer that called Close.
func (c *Client) waitIdle(ctx context.Context) error {
	for {
		c.mu.Lock()
		idle, working := c.idle, c.working
		if working == 0 {
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
			return ended(ctx, nil)
		}
	}
}
