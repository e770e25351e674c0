package dynalocktest

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// tries is how often a change is made anew that the holder's own came before.
const tries = 100

// TakeOver gives the lock to another owner, who holds it until [Table.Release].
// Who waits for it goes on waiting, for that one.
//
// The holder learns of it as of every change from outside: at its next request
// about the lock, which for a live lock is the next renewal, a third of its lease
// away at most. It then ends with [dynalock.ReasonTakenOver]. A durable lock that
// nothing is asked about believes in itself until its lease ends.
//
// In life a lock is taken over only after its lease has ended, and a holder that
// hung or was cut off for so long has lost it by its own clock before: that is
// Down, and time.
func (b *Table) TakeOver(key, owner string) {
	b.t.Helper()
	if owner == "" {
		b.t.Fatalf("dynalocktest: TakeOver: the owner name is empty; to free the lock use Force or Release")
	}
	for range tries {
		r := b.held("TakeOver", key)
		b.mark(r)
		taken := b.write(key, lockstore.Write{
			If: lockstore.All(lockstore.NonceIs(r.Nonce), lockstore.SeqIs(r.Seq), lockstore.NotReleased{}, protocol.SessionAsIn(r)),
			Do: []lockstore.Change{
				lockstore.SetOwner(owner), lockstore.SetNonce(newNonce()), lockstore.SetSeq(1), lockstore.SetToken(r.Token + 1),
				lockstore.SetSince(time.Now()), lockstore.SetLease(0), lockstore.SetExpires{}, lockstore.SetTTL{},
				lockstore.SetSession(""), lockstore.SetHold{}, lockstore.SetEnded(false), lockstore.SetDeleteOnRelease(false),
				lockstore.SetLast{Nonce: r.Nonce, How: lockstore.HowTakenOver, By: owner},
			},
		})
		b.mark(r)
		if taken {
			return
		}
	}
	b.busy("TakeOver", key)
}

// Force releases the lock as an operator of that name does, by
// [dynalock.Client.ForceRelease]; the first who waits gets it.
//
// The holder learns of it when it would of [Table.TakeOver], and ends with
// [dynalock.ReasonForced].
func (b *Table) Force(key, by string) {
	b.t.Helper()
	c := b.operator("Force", by)
	defer b.close(c)
	for range tries {
		_, err := c.ForceRelease(context.Background(), key, uint64(b.held("Force", key).Token))
		switch {
		case err == nil:
			return
		case !errors.Is(err, dynalock.ErrHeld) && !errors.Is(err, dynalock.ErrNotHeld):
			b.t.Fatalf("dynalocktest: Force: %v", err)
		}
	}
	b.busy("Force", key)
}

// Release releases the lock as another process of its holder's owner name does,
// by [dynalock.Client.ReleaseLock]; the first who waits gets it. It also ends what
// [Table.Hold] and [Table.TakeOver] began.
//
// The holder learns of it when it would of TakeOver, and ends with
// [dynalock.ReasonReleased].
func (b *Table) Release(key string) {
	b.t.Helper()
	for range tries {
		c := b.operator("Release", b.held("Release", key).Owner)
		_, err := c.ReleaseLock(context.Background(), key)
		b.close(c)
		switch {
		case err == nil:
			return
		case !errors.Is(err, dynalock.ErrOwnerMismatch):
			b.t.Fatalf("dynalocktest: Release: %v", err)
		}
	}
	b.busy("Release", key)
}

// Expire ends the lock's lease in the table, as if the holder had not renewed it
// for an hour: the next who wants it gets it, and who waits does soon. A lock
// without a lease cannot expire.
//
// The holder does not learn of it, and still believes in its lock, as a process
// does that was paused. Somebody who takes the lock then ends it at the holder's
// next request, as TakeOver does; if the holder renews it first, all is as before.
//
// A live lock that has been held for a third of its lease is kept alive together
// with its client's others that have that length of lease. They all expire with it,
// and end at the client's next renewal, with [dynalock.ReasonExpired]. Who waits for
// such a lock already, waits for the end of the lease that it saw.
func (b *Table) Expire(key string) {
	b.t.Helper()
	for range tries {
		r := b.held("Expire", key)
		switch {
		case r.Session != "":
			b.store.Remove(r.Session) // as whoever finds it dead does
			return
		case r.Lease == 0:
			b.t.Fatalf("dynalocktest: Expire: %q has no lease, so that nothing but a release ends it; take it with another lifetime", key)
		}
		if b.write(key, lockstore.Write{
			If: lockstore.All(lockstore.NonceIs(r.Nonce), lockstore.SeqIs(r.Seq), lockstore.NotReleased{}, lockstore.NoSession{}),
			Do: []lockstore.Change{lockstore.SetExpires(time.Now().Add(-time.Hour))},
		}) {
			return
		}
	}
	b.busy("Expire", key)
}

// Remove deletes the item, as somebody does by hand: the next who wants the lock
// gets it, and fencing tokens begin anew from the clock.
//
// The holder learns of it at its next request about the lock, or at the end of its
// lease, and ends with [dynalock.ReasonGone]. Of live locks a client looks at 16
// with each renewal, so of many live locks one is found missing later.
func (b *Table) Remove(key string) {
	b.t.Helper()
	if b.store.Peek(key) == nil {
		b.t.Fatalf("dynalocktest: Remove: there is nothing under %q (held are %q)", key, b.keys())
	}
	b.store.Remove(key)
}

// write makes a change in the table itself, unless its condition fails.
func (b *Table) write(key string, w lockstore.Write) bool {
	b.t.Helper()
	res, err := b.store.Write(context.Background(), key, w)
	if err != nil {
		b.t.Fatalf("dynalocktest: %v", err)
	}
	return res.Applied
}

// mark announces a change of that lock to the session that keeps it alive:
// docs/protocol.md, "Sessions".
func (b *Table) mark(r *lockstore.Record) {
	b.t.Helper()
	if r.Session != "" {
		b.write(r.Session, protocol.Revoke())
	}
}

func (b *Table) busy(name, key string) {
	b.t.Helper()
	b.t.Fatalf("dynalocktest: %s: %q changes too often", name, key)
}

func newNonce() lockstore.Nonce {
	var n [16]byte
	_, _ = rand.Read(n[:])
	return lockstore.Nonce(n[:])
}
