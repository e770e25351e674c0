package dynalock

import (
	"context"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A liveness is what is known of somebody's session, under its key.
type liveness struct {
	record *lockstore.Record // as last read; nil: not yet, or dead
	dead   time.Duration     // monotonic; since when it is known to be dead, 0: it is not
}

// turn is how long from now the one at that place in the queue may take over
// the lock that r shows, where it is kept alive by a session. The session's
// record is read when it may have lapsed since it was last read, so about once
// in its lease; one that has lapsed is ended.
func (c *Client) sessionTurn(ctx context.Context, r *lockstore.Record, place int) (time.Duration, error) {
	left, dead := c.sessionLeft(r.Session)
	if left <= 0 && !dead {
		if err := c.lookAtSession(ctx, r.Session); err != nil {
			return 0, err
		}
		left, dead = c.sessionLeft(r.Session)
	}
	if !dead {
		return max(left, time.Millisecond), nil
	}
	return max(left+time.Duration(place)*protocol.ClaimWindow, 0), nil
}

// sessionLeft is how long until the session can be dead or, if it is, how long
// it has been so, as a negative time.
func (c *Client) sessionLeft(key string) (left time.Duration, dead bool) {
	now, bounds := c.clock.now(), c.clock.at()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[key]
	switch {
	case k == nil || k.session.record == nil && k.session.dead == 0:
		return 0, false
	case k.session.dead != 0:
		return min(k.session.dead-now.Mono, 0), true
	}
	return protocol.Takeable(k.session.record, &k.seen, c.expiryBy(&bounds), now), false
}

// lookAtSession reads a session's record, and deletes it if it has lapsed:
// then its owner cannot renew it any more, and had stopped believing before.
func (c *Client) lookAtSession(ctx context.Context, key string) error {
	got, err := c.read(ctx, key, lockstore.Consistent)
	if err != nil {
		return err
	}
	r := got.Record
	seen := c.see(key, r, got.answered)
	now, bounds := c.clock.now(), c.clock.at()
	if r != nil && !r.Released && protocol.Takeable(r, &seen, c.expiryBy(&bounds), now) <= 0 {
		ended, err := c.write(ctx, "end session", key, protocol.EndSession(r))
		if err != nil {
			return err
		}
		if r = ended.Record; ended.Applied {
			r = nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(key, now)
	k.session = liveness{record: r}
	if r == nil || r.Released {
		k.session = liveness{dead: max(now.Mono, 1)}
	}
	return nil
}

// sessionRecord is what was last read of a session; nil: nothing.
func (c *Client) sessionRecord(key string) *lockstore.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil {
		return k.session.record
	}
	return nil
}

// sessionState is what can be said of a lock that a session keeps alive.
func (c *Client) sessionState(ctx context.Context, r *lockstore.Record) (State, error) {
	got, err := c.read(ctx, r.Session, lockstore.Consistent)
	if err != nil {
		return StateUnknown, c.failure(ctx, err)
	}
	if got.Record == nil || got.Record.Released {
		return StateLapsed, nil
	}
	seen := c.see(r.Session, got.Record, got.answered)
	now, bounds := c.clock.now(), c.clock.at()
	c.mu.Lock()
	c.key(r.Session, now).session = liveness{record: got.Record}
	c.mu.Unlock()
	return protocol.Judge(got.Record, &seen, c.expiryBy(&bounds), now), nil
}
