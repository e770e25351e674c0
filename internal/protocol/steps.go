package protocol

import (
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Acquire takes a lock that is free or, where safeNow is not zero, one whose
// lease ended before it. One write; the answer to a refused one shows who holds.
//
// "Not my nonce" is there for copies of this very request: without it one that
// arrives late would begin a tenure anew that has been released since. What
// the former tenure left in last stays: its holder may not have read it yet.
func Acquire(t Tenure, base int64, now, safeNow time.Time) lockstore.Write {
	free := lockstore.Case{
		lockstore.NonceNot(t.Nonce), lockstore.Released{}, lockstore.NoWaiterAt(0), lockstore.QueueSound{},
	}
	condition := lockstore.Any(lockstore.Case{lockstore.Absent{}}, free)
	if !safeNow.IsZero() {
		condition = append(condition, lockstore.Case{
			lockstore.NonceNot(t.Nonce), lockstore.ExpiredBefore(safeNow), lockstore.NoSession{},
			lockstore.NoWaiterAt(0), lockstore.QueueSound{},
		})
	}
	return lockstore.Write{If: condition, Do: append(t.changes(now), lockstore.NextToken(base))}
}

// Resume goes on with the tenure that r shows under a new nonce and a higher
// token, so that a handle of it elsewhere ends.
func Resume(r *lockstore.Record, t Tenure, base int64, now time.Time) lockstore.Write {
	return succeed(r, t, base, now, lockstore.Last{Nonce: r.Nonce, How: lockstore.HowResumed, By: t.Owner})
}

// succeed sets the token from the one that was seen. That one is in the
// condition too: a copy of this write that is carried out again, on a state that
// a late acquire has brought back, would otherwise set it back.
func succeed(r *lockstore.Record, t Tenure, base int64, now time.Time, last lockstore.Last) lockstore.Write {
	return lockstore.Write{
		If: lockstore.Condition{append(seen(r), tokenOf(r))},
		Do: append(t.changes(now), lockstore.SetToken(max(r.Token, base)+1), lockstore.SetLast(last)),
	}
}

// seen holds while the record is in the state that r shows. A record of an
// early version has neither nonce nor seq; its owner's name is all there is.
func seen(r *lockstore.Record) lockstore.Case {
	if r.Legacy() {
		return lockstore.Case{lockstore.NoNonce{}, lockstore.OwnerIs(r.Owner), lockstore.NotReleased{}}
	}
	if r.Seq == 0 {
		return lockstore.Case{lockstore.NonceIs(r.Nonce), lockstore.NotReleased{}}
	}
	is := lockstore.Case{lockstore.NonceIs(r.Nonce), lockstore.SeqIs(r.Seq), lockstore.NotReleased{}}
	if r.Session != "" {
		is = append(is, lockstore.SessionIs(r.Session))
	}
	return is
}

// Renew moves the end of the tenure and, where data is given, replaces the
// data with it. Nonce and seq make it harmless once anything newer was written.
func Renew(nonce lockstore.Nonce, seq int64, p Promise, data *lockstore.SetData) lockstore.Write {
	w := Update(nonce, seq, data)
	w.Do = append(w.Do, p.changes()...)
	w.Do = append(w.Do, lockstore.SetSession("")) // it has an end of its own again
	return w
}

// Update replaces the data and leaves the end of the tenure where it is.
func Update(nonce lockstore.Nonce, seq int64, data *lockstore.SetData) lockstore.Write {
	w := lockstore.Write{
		If: lockstore.Condition{seen(&lockstore.Record{Nonce: nonce, Seq: seq})},
		Do: []lockstore.Change{lockstore.SetSeq(seq + 1)},
	}
	if data != nil {
		w.Do = append(w.Do, *data)
	}
	return w
}

// UpdateLegacy replaces the data of a record of an early version in place.
func UpdateLegacy(r *lockstore.Record, data lockstore.SetData) lockstore.Write {
	return lockstore.Write{If: lockstore.Condition{seen(r)}, Do: []lockstore.Change{data}}
}

// RaiseToken sets a higher fencing token for the tenure. It goes by the token
// that was seen, too: a late copy may have begun the tenure anew, with the same
// seq and a token that is higher already.
func RaiseToken(nonce lockstore.Nonce, seq, from, to int64) lockstore.Write {
	w := Update(nonce, seq, nil)
	w.If[0] = append(w.If[0], tokenOf(&lockstore.Record{Token: from}))
	w.Do = append(w.Do, lockstore.SetToken(to))
	return w
}

// ReleaseLegacy frees a lock of an early version for its owner.
func ReleaseLegacy(r *lockstore.Record, now time.Time) lockstore.Write {
	return end(seen(r), lockstore.Last{How: lockstore.HowReleased, By: r.Owner}, now)
}

// Force ends the tenure that r shows, whoever holds it, and hands the lock to
// whoever waits.
func Force(r *lockstore.Record, by string, now Moment, bounds *Bounds) lockstore.Write {
	last := lockstore.Last{Nonce: r.Nonce, How: lockstore.HowForced, By: by}
	if r.Ended && r.Last != nil {
		last = *r.Last // that tenure had been released; only its promise is ended
	}
	if r.Legacy() || r.Token == 0 {
		return end(append(seen(r), tokenOf(r)), last, now.Wall)
	}
	return lockstore.Write{
		If: lockstore.All(lockstore.NonceIs(r.Nonce), lockstore.NotReleased{}, tokenOf(r), SessionAsIn(r)),
		Do: append(passOn(now.Wall, Claim(now, bounds)), lockstore.SetLast(last)),
	}
}

// SessionAsIn holds while the tenure is kept alive as r shows: a change from
// outside was announced to that session, or to none.
func SessionAsIn(r *lockstore.Record) lockstore.Test {
	if r.Session == "" {
		return lockstore.NoSession{}
	}
	return lockstore.SessionIs(r.Session)
}

func tokenOf(r *lockstore.Record) lockstore.Test {
	if r.Token == 0 {
		return lockstore.NoToken{}
	}
	return lockstore.TokenIs(r.Token)
}

// end marks the record released. Its data stays, and without a TTL nothing
// removes it.
func end(is lockstore.Case, last lockstore.Last, now time.Time, more ...lockstore.Change) lockstore.Write {
	return lockstore.Write{
		If: lockstore.Condition{is},
		Do: append(more,
			lockstore.SetReleased(true), lockstore.SetSince(now), lockstore.SetLast(last),
			lockstore.SetLease(0), lockstore.SetExpires{}, lockstore.SetTTL{}, lockstore.SetHold{},
			lockstore.SetEnded(false), lockstore.SetSession(""),
		),
	}
}

// Delete ends the tenure by removing the item, its data too. It does so only
// where nobody waits in the queue.
func Delete(nonce lockstore.Nonce) lockstore.Write {
	return lockstore.Write{Delete: true, If: lockstore.All(
		lockstore.NonceIs(nonce), lockstore.NotReleased{}, lockstore.NoWaiterAt(0))}
}

// DeleteLegacy does so for a record of an early version.
func DeleteLegacy(r *lockstore.Record) lockstore.Write {
	return lockstore.Write{Delete: true, If: lockstore.Condition{seen(r)}}
}

// DeleteFree removes an item that was released although it was to be deleted,
// because somebody waited then, and has gone since.
func DeleteFree(nonce lockstore.Nonce) lockstore.Write {
	return lockstore.Write{Delete: true, If: lockstore.All(
		lockstore.NonceIs(nonce), lockstore.Released{}, lockstore.NoWaiterAt(0))}
}

// LeaveHeld ends a tenure that promised with HoldAtLeast to keep others out
// for longer: nobody holds the lock, and it stays taken until hold. The new
// nonce is nobody's, so that nothing of the former tenure can renew it.
func LeaveHeld(nonce, empty lockstore.Nonce, owner string, p Promise, forget bool) lockstore.Write {
	w := lockstore.Write{
		If: lockstore.All(lockstore.NonceIs(nonce), lockstore.NotReleased{}),
		Do: append(p.changes(),
			lockstore.SetNonce(empty), lockstore.SetSeq(1), lockstore.SetEnded(true), lockstore.SetSession(""),
			lockstore.SetLast{Nonce: nonce, How: lockstore.HowReleased, By: owner}),
	}
	if forget {
		w.Do = append(w.Do, lockstore.SetData{})
	}
	return w
}

// ForceDeleting is Force for an item that was to go when it is released and
// that nobody waits for: it stays, to tell its holder, and the table's item
// expiry removes it later.
func ForceDeleting(r *lockstore.Record, by string, now Moment, bounds *Bounds, retention time.Duration) lockstore.Write {
	_, latest := bounds.Around(now)
	w := end(append(seen(r), tokenOf(r), lockstore.NoWaiterAt(0)),
		lockstore.Last{Nonce: r.Nonce, How: lockstore.HowForced, By: by}, now.Wall)
	for i, change := range w.Do {
		if _, is := change.(lockstore.SetTTL); is {
			w.Do[i] = lockstore.SetTTL(latest.Add(retention + time.Second).UTC().Truncate(time.Second))
		}
	}
	return w
}

// MoveTo puts a tenure under a session, which keeps it alive from then on: it
// has no end of its own any more.
func MoveTo(session string, nonce lockstore.Nonce, seq int64) lockstore.Write {
	w := Update(nonce, seq, nil)
	w.Do = append(w.Do, lockstore.SetSession(session), lockstore.SetExpires{}, lockstore.SetTTL{})
	return w
}

// Revoke marks a session's record: something of the session is about to be
// changed from outside.
func Revoke() lockstore.Write {
	return lockstore.Write{If: lockstore.All(lockstore.Exists{}), Do: []lockstore.Change{lockstore.NextRevoked{}}}
}

// EndSession deletes a session's record that has lapsed, if it is as seen.
// Its owner cannot renew any more, and its belief had ended before.
func EndSession(r *lockstore.Record) lockstore.Write {
	return lockstore.Write{Delete: true, If: lockstore.Condition{seen(r)}}
}
