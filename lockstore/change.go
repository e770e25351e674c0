package lockstore

import "time"

// A Change sets or removes one part of a record. The types below are all that
// there are; a store that meets another answers with an error and changes
// nothing. A write to a key without a record begins from an empty one.
// Attributes that no change names keep what they have, a user's own too.
type Change interface{ isChange() }

type (
	// SetOwner names the holder; empty removes it.
	SetOwner string
	// SetNonce names the tenure; empty removes it.
	SetNonce Nonce
	// NextToken raises the fencing token by one: from what is there or, where
	// there is none, from the given base.
	NextToken int64
	// SetToken sets the fencing token; 0 removes it.
	SetToken int64
	// SetSeq sets the number of the tenure's last write; 0 removes it.
	SetSeq int64
	// NextSeq raises it by one; the condition must see to it that it is there.
	NextSeq struct{}
	// SetLease sets what the tenure promises, rounded up to milliseconds; 0
	// removes it.
	SetLease time.Duration
	// SetExpires sets the lease's end in the store's time; zero removes it.
	SetExpires time.Time
	// SetTTL sets when the table may remove the item; zero removes it.
	SetTTL time.Time
	// SetSince sets when the holder changed.
	SetSince time.Time
	// SetReleased marks the record released or held.
	SetReleased bool
	// SetDeleteOnRelease keeps the holder's wish.
	SetDeleteOnRelease bool
	// SetData replaces the data: Bytes nil removes it, an empty slice stores
	// no bytes.
	SetData struct {
		Bytes  []byte
		Sealed bool
	}
	// SetSession puts the tenure under a session; empty takes it out.
	SetSession string
	// SetLast tells how the former tenure ended; the zero value removes it.
	SetLast Last
	// SetHold sets the promised end of HoldAtLeast; zero removes it.
	SetHold time.Time
	// SetEnded says that only the promise of HoldAtLeast is left; false
	// removes it.
	SetEnded bool
	// KeepQueue makes the queue an empty list where there is none.
	KeepQueue struct{}
	// AddWaiter puts a waiter at the end of the queue.
	AddWaiter Waiter
	// DropWaiterAt takes the entry at that place, from 0, out of the queue; the
	// condition must see to it that it is the right one.
	DropWaiterAt int
	// DropWaiters takes that many entries off the front of the queue, at most
	// MaxQueue. Fewer are as good.
	DropWaiters int
	// NextRevoked raises the count of a session's record by one.
	NextRevoked struct{}
	// PassOn hands the lock to the first in the queue, whose ID becomes the
	// nonce, with a token higher by one and its wish for deletion; where nobody
	// waits it marks the record released, and nonce, owner and token stay. The
	// record must have a nonce and a token.
	PassOn struct{}
)

// MaxQueue bounds a queue: more entries than that would make an item too
// large to be cheap.
const MaxQueue = 16

func (SetOwner) isChange()           {}
func (SetNonce) isChange()           {}
func (NextToken) isChange()          {}
func (SetToken) isChange()           {}
func (SetSeq) isChange()             {}
func (NextSeq) isChange()            {}
func (SetLease) isChange()           {}
func (SetExpires) isChange()         {}
func (SetTTL) isChange()             {}
func (SetSince) isChange()           {}
func (SetReleased) isChange()        {}
func (SetDeleteOnRelease) isChange() {}
func (SetData) isChange()            {}
func (SetSession) isChange()         {}
func (SetLast) isChange()            {}
func (SetHold) isChange()            {}
func (SetEnded) isChange()           {}
func (KeepQueue) isChange()          {}
func (AddWaiter) isChange()          {}
func (DropWaiterAt) isChange()       {}
func (DropWaiters) isChange()        {}
func (PassOn) isChange()             {}
func (NextRevoked) isChange()        {}
