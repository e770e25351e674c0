package protocol

import "github.com/kmdeveloping/dynalock/lockstore"

// Attempts are the copies of one acquisition that were sent, each with the
// promise that it made. Any of them may turn out to be the one that was
// applied, so a belief counts from that one.
type Attempts struct {
	tenure Tenure
	sent   []sentPromise
}

type sentPromise struct {
	at      Moment
	seq     int64
	promise Promise
}

// Add notes an attempt before it is sent.
func (a *Attempts) Add(t Tenure, sent Moment) {
	a.tenure = t
	a.sent = append(a.sent, sentPromise{sent, t.Seq, t.Promise})
}

// NextSeq is the seq that the next copy begins its tenure with: each with
// another one. Otherwise a copy that arrives late would bring back a state that
// somebody saw lapse before, and is about to take over.
func (a *Attempts) NextSeq() int64 { return int64(len(a.sent)) + 1 }

// Won tells from the record that a refused attempt showed whether an earlier
// one was applied, and what may be believed then.
func (a *Attempts) Won(r *lockstore.Record) (Belief, bool) {
	for _, s := range a.sent {
		t := a.tenure
		t.Seq, t.Promise = s.seq, s.promise
		if t.made(r) {
			return s.promise.Belief(s.at), true
		}
	}
	return Belief{}, false
}

// A Loss is how a tenure ended that did not end by its handle's release.
type Loss string

// The ways to lose a tenure.
const (
	LossNone       Loss = ""
	LossTakenOver  Loss = "taken over"
	LossForced     Loss = "forced"
	LossReleased   Loss = "released elsewhere"
	LossSuperseded Loss = "superseded"
	LossGone       Loss = "gone"
)

// WhyLost tells from a record that is certainly not stale whether the tenure
// has ended, how, and by whom. LossNone: it goes on.
func WhyLost(nonce lockstore.Nonce, r *lockstore.Record) (why Loss, by string) {
	switch {
	case r == nil:
		return LossGone, ""
	case r.Nonce == nonce && !r.Released && !r.Ended:
		return LossNone, ""
	case r.Last != nil && r.Last.Nonce == nonce:
		return lossOf(r.Last.How), r.Last.By
	case r.Nonce == nonce:
		return LossReleased, ""
	}
	return LossTakenOver, r.Owner
}

// GoesOn reports whether the record shows that tenure, and that it has not ended.
func GoesOn(nonce lockstore.Nonce, r *lockstore.Record) bool {
	why, _ := WhyLost(nonce, r)
	return why == LossNone
}

func lossOf(how lockstore.How) Loss {
	switch how {
	case lockstore.HowForced:
		return LossForced
	case lockstore.HowResumed:
		return LossSuperseded
	case lockstore.HowTakenOver:
		return LossTakenOver
	}
	return LossReleased
}
