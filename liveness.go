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

// sessionTurn is how long from now the one at that place in the queue may take over
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

// lookAtSession reads a session's record. It is dead, for ever, if it is missing
// or if a read that was asked for after its end shows it as it was: then its
// owner's belief had ended before, and belief that ended does not come back,
// also if a late renewal arrives.
func (c *Client) lookAtSession(ctx context.Context, key string) error {
	asked, bounds := c.clock.now(), c.clock.at()
	got, err := c.read(ctx, key, lockstore.Consistent)
	if err != nil {
		return err
	}
	r := got.Record
	seen := c.see(key, r, got.answered)
	dead := r == nil || r.Released || protocol.Takeable(r, &seen, c.expiryBy(&bounds), asked) <= 0
	is := liveness{record: r}
	if dead {
		is = liveness{dead: max(asked.Mono, 1)}
	}
	c.mu.Lock()
	c.key(key, asked).session = is
	c.mu.Unlock()
	if dead && r != nil && !r.Released {
		// Of no use to anybody, and where nothing removes it the next one has to
		// find out again.
		c.spawn(func(background context.Context) {
			_, _ = c.write(background, "end session", key, protocol.EndSession(r))
		})
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
	if k := c.key(r.Session, now); k.session.dead == 0 {
		k.session = liveness{record: got.Record}
	}
	c.mu.Unlock()
	return protocol.Judge(got.Record, &seen, c.expiryBy(&bounds), now), nil
}
