package lockstore

import "time"

// A Condition holds when any of its cases holds; a nil Condition always does.
type Condition []Case

// A Case holds when all of its tests do.
type Case []Test

// Any is a Condition of several cases.
func Any(cases ...Case) Condition { return cases }

// All is a Condition of one case.
func All(tests ...Test) Condition { return Condition{tests} }

// A Test looks at one property of the record under the key. The types below
// are all that there are; a store that meets another answers with an error.
// Save for Absent and the negative ones (NonceNot, NotReleased, NoNonce,
// NoToken, NoSession, NoWaiterAt, NotQueued, QueueSound), a test fails where there is no
// record. A comparison with a zero value (SeqIs(0), OwnerIs("")) never holds:
// zero values stand for what is not there, and have tests of their own.
type Test interface{ isTest() }

type (
	// Absent holds where there is no record.
	Absent struct{}
	// Exists holds where there is one.
	Exists struct{}
	// NonceIs holds for that very tenure.
	NonceIs Nonce
	// NonceNot holds for any other tenure, and where there is none.
	NonceNot Nonce
	// NoNonce holds for records of early versions (and where there is none).
	NoNonce struct{}
	// SeqIs holds while the tenure's last write is that one.
	SeqIs int64
	// TokenIs compares the fencing token.
	TokenIs int64
	// NoToken holds where there is no fencing token.
	NoToken struct{}
	// OwnerIs compares the owner's name.
	OwnerIs string
	// Released holds for a record that is marked released.
	Released struct{}
	// NotReleased holds for a record that is not.
	NotReleased struct{}
	// ExpiredBefore holds for a record with a positive lease whose Expires
	// lies before that time.
	ExpiredBefore time.Time
	// SessionIs compares the session.
	SessionIs string
	// NoSession holds where the record names no session.
	NoSession struct{}
	// NoWaiterAt holds where the queue has no entry at that place, from 0.
	NoWaiterAt int
	// WaiterAt holds where the queue's entry at that place has that ID.
	WaiterAt struct {
		Place int
		ID    Nonce
	}
	// NotQueued holds where none of the queue's first MaxQueue entries has
	// that ID.
	NotQueued Nonce
	// QueueSound holds where the queue is absent or a list: something that
	// is neither was not written by any version of dynalock.
	QueueSound struct{}
)

func (Absent) isTest()        {}
func (Exists) isTest()        {}
func (NonceIs) isTest()       {}
func (NonceNot) isTest()      {}
func (NoNonce) isTest()       {}
func (SeqIs) isTest()         {}
func (TokenIs) isTest()       {}
func (NoToken) isTest()       {}
func (OwnerIs) isTest()       {}
func (Released) isTest()      {}
func (NotReleased) isTest()   {}
func (ExpiredBefore) isTest() {}
func (SessionIs) isTest()     {}
func (NoSession) isTest()     {}
func (NoWaiterAt) isTest()    {}
func (WaiterAt) isTest()      {}
func (NotQueued) isTest()     {}
func (QueueSound) isTest()    {}
