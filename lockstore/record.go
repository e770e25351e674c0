package lockstore

import "time"

// A Nonce names one tenure: 128 random bits, raw, in a string so that it can
// be compared and never changes. The empty Nonce means that the record was
// written by an early dynalock version, which had none.
type Nonce string

// A Record is what a store keeps under one key. Zero values stand for absent
// attributes. Times have the resolution that the attribute has (docs/format.md):
// Expires and Hold milliseconds, Since and TTL seconds.
type Record struct {
	Owner string // who holds, or held last
	Nonce Nonce  // the tenure; kept when it is released
	Token int64  // fencing token of the tenure; 0: none yet (an early version's record)
	Seq   int64  // number of the tenure's last write

	Since    time.Time     // when the holder last changed
	Lease    time.Duration // what the tenure promises from its last renewal; 0: no end
	Expires  time.Time     // end of the lease in the store's time; zero: no end, or no bounds, or by Session
	TTL      time.Time     // when the table may remove the item; zero: never
	Released bool

	DeleteOnRelease bool
	Hold            time.Time // HoldAtLeast's promised end; zero: none
	Ended           bool      // the tenure is over, only the promise of Hold is left

	Data    []byte // as stored, so sealed if Sealed; nil: none
	Sealed  bool   // Data is encrypted
	DataErr error  // the data attribute has a type that no version ever wrote; Data is nil then

	Session string   // the session that keeps the tenure alive; empty: none
	Queue   []Waiter // who waits, first come first
	Last    *Last    // how the former tenure ended; nil: not known
	Revoked int64    // session records: how often somebody changed a lock of this session from outside
}

// Legacy reports whether an early dynalock version wrote the record: it has
// no nonce, so its only identity is the owner's name.
func (r *Record) Legacy() bool { return r.Nonce == "" }

// Clone returns a copy that shares nothing with r.
func (r *Record) Clone() *Record {
	if r == nil {
		return nil
	}
	c := *r
	if r.Data != nil {
		c.Data = append([]byte{}, r.Data...)
	}
	if r.Queue != nil {
		c.Queue = append([]Waiter{}, r.Queue...)
	}
	if r.Last != nil {
		last := *r.Last
		c.Last = &last
	}
	return &c
}

// A Waiter is one entry of a record's queue.
type Waiter struct {
	ID              Nonce // becomes the tenure's nonce when the lock is handed over
	Owner           string
	DeleteOnRelease bool
}

// Last tells how a tenure ended that the record no longer shows, or whose
// nonce it still shows as released.
type Last struct {
	Nonce Nonce
	How   How
	By    string // owner name of whoever ended it
}

// How says how a tenure ended.
type How string

// The ways in which one tenure follows another, as stored.
const (
	HowReleased  How = "released"   // by its owner
	HowForced    How = "forced"     // by an operator
	HowResumed   How = "resumed"    // by another process of its owner's name
	HowTakenOver How = "taken over" // after its lease
)
