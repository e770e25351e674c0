package protocol

import (
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// An Observation remembers since when one state of a record has been seen
// unchanged.
type Observation struct {
	nonce lockstore.Nonce
	seq   int64
	token int64
	lease time.Duration
	first time.Duration // monotonic
	set   bool
	free  bool // what was seen is a released record
}

// See takes a record into account whose answer had arrived at now. It reports
// whether the record changed since the last one seen.
func (o *Observation) See(r *lockstore.Record, now Moment) (changed bool) {
	next := Observation{first: now.Mono}
	if r != nil && !r.Released {
		next = Observation{nonce: r.Nonce, seq: r.Seq, token: r.Token, lease: r.Lease, first: now.Mono, set: true}
	}
	if r != nil && r.Released {
		next.nonce, next.free = r.Nonce, true
	}
	if o.set == next.set && o.free == next.free && o.nonce == next.nonce && o.seq == next.seq && o.token == next.token && o.lease == next.lease {
		return false
	}
	*o = next
	return true
}

// Later reports whether what was seen is a later state of the tenure that r
// shows.
func (o *Observation) Later(r *lockstore.Record) bool {
	return o.set && r.Nonce != "" && o.nonce == r.Nonce && o.seq > r.Seq
}

// Absent reports whether a tenure was seen, and r is no item.
func (o *Observation) Absent(r *lockstore.Record) bool { return o.set && r == nil }

// Left is how much longer r must be seen unchanged before its lease has run
// out whatever any wall clock says; Forever where it never does so. It counts
// by the monotonic clock alone, which a suspended machine slows: that only
// makes it wait longer.
func (o *Observation) Left(r *lockstore.Record, now Moment) time.Duration {
	if !hasLease(r) {
		return Forever
	}
	need := plus(r.Lease, 2*drift(r.Lease))
	if !o.set || o.nonce != r.Nonce || o.seq != r.Seq || o.token != r.Token || o.lease != r.Lease {
		return need
	}
	return need - (now.Mono - o.first)
}

// hasLease: without a nonce there is nothing that changes with each renewal.
func hasLease(r *lockstore.Record) bool {
	return r != nil && !r.Legacy() && r.Session == "" && r.Lease > 0
}

// A State is what can be said of a record.
type State string

// The states.
const (
	Free    State = "released"    // nobody holds it
	Held    State = "held"        // its lease, if it has one, certainly runs
	Lapsed  State = "lapsed"      // its lease has certainly run out; nobody has taken it yet
	Unknown State = "unknown yet" // its lease runs, or ran out too recently to tell
)

// Judge says what can be said of r now. bounds may be nil: then only the
// observation ends a lease.
func Judge(r *lockstore.Record, o *Observation, bounds *Bounds, now Moment) State {
	switch {
	case r == nil || r.Released:
		return Free
	case !hasLease(r) && r.Session == "":
		return Held
	case r.Session != "":
		return Unknown // its session's record tells
	case o.Left(r, now) <= 0:
		return Lapsed
	}
	if r.Expires.IsZero() || bounds == nil || !bounds.Known() {
		return Unknown
	}
	switch {
	case bounds.Fresh(now) && bounds.Earliest(now).After(r.Expires):
		return Lapsed
	case bounds.Latest(now).Before(r.Expires):
		return Held
	}
	return Unknown
}

// Takeable is how long from now a try to take r can succeed: the sooner of
// observation and clock; Forever where nothing but a release helps.
func Takeable(r *lockstore.Record, o *Observation, bounds *Bounds, now Moment) time.Duration {
	if r == nil || r.Released {
		return 0
	}
	return sinceEnd(r, o, bounds, now, 0)
}
