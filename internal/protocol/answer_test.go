package protocol_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// What the holder of M is told by a record that is not stale.
func TestWhyLost(t *testing.T) {
	for _, c := range []struct {
		record string
		why    protocol.Loss
		by     string
	}{
		{"none", protocol.LossGone, ""},
		{"owner=me nonce=M token=8 seq=9", protocol.LossNone, ""},
		{"owner=me nonce=M token=8 seq=9 lease=1s until=1s", protocol.LossNone, ""}, // lapsed is not lost yet
		{"owner=me nonce=M token=8 seq=9 last=A/forced/op", protocol.LossNone, ""},  // that was the one before
		{"owner=me nonce=M token=8 seq=9 released last=M/released/me", protocol.LossReleased, "me"},
		{"owner=me nonce=M token=8 seq=9 released last=M/forced/op", protocol.LossForced, "op"},
		{"owner=me nonce=M token=8 seq=9 released", protocol.LossReleased, ""}, // by something that leaves no last
		{"owner=me nonce=M token=8 seq=9 released last=A/forced/op", protocol.LossReleased, ""},
		{"owner=me nonce=E token=8 seq=1 ended last=M/released/me", protocol.LossReleased, "me"},
		{"owner=me nonce=R token=9 seq=1 last=M/resumed/me", protocol.LossSuperseded, "me"},
		{"owner=b nonce=B token=9 seq=1 last=M/taken-over/b", protocol.LossTakenOver, "b"},
		{"owner=b nonce=B token=9 seq=1 last=M/released/me", protocol.LossReleased, "me"}, // and then taken
		{"owner=b nonce=B token=9 seq=1 last=M/forced/op", protocol.LossForced, "op"},
		{"owner=c nonce=C token=10 seq=1 last=B/released/b", protocol.LossTakenOver, "c"}, // more came between
		{"owner=c nonce=C token=10 seq=1", protocol.LossTakenOver, "c"},
		{"owner=old", protocol.LossTakenOver, "old"}, // an early version's
	} {
		if why, by := protocol.WhyLost("M", parse(c.record)); why != c.why || by != c.by {
			t.Errorf("%s: %q by %q, want %q by %q", c.record, why, by, c.why, c.by)
		}
	}
}

// A refused attempt may meet what an earlier one of the same call wrote: then
// the lock is ours, and believed from when that one was sent, not this one.
func TestAttemptsWon(t *testing.T) {
	var a protocol.Attempts
	promises := []protocol.Promise{
		{Lease: 10 * time.Second, Expires: at(110 * time.Second)},
		{Lease: 10 * time.Second, Expires: at(112 * time.Second)},
	}
	for i, p := range promises {
		tenure := mine()
		tenure.Seq, tenure.Promise = a.NextSeq(), p
		a.Add(tenure, protocol.Moment{Mono: time.Duration(i) * 2 * time.Second, Wall: at(time.Duration(100+2*i) * time.Second)})
	}
	if a.NextSeq() != 3 {
		t.Error(a.NextSeq())
	}
	for _, c := range []struct {
		record string
		which  int // -1: none of ours
	}{
		{"owner=me nonce=M token=8 seq=1 lease=10s until=110s", 0},
		{"owner=me nonce=M token=8 seq=2 lease=10s until=112s data=x ttl=9s", 1},
		{"owner=me nonce=M token=8 seq=1 lease=10s until=111s", -1}, // nothing that we wrote
		{"owner=me nonce=M token=8 seq=1 lease=9s until=110s", -1},
		{"owner=me nonce=M token=8 seq=2 lease=10s until=110s", -1},          // changed since
		{"owner=me nonce=M token=8 seq=1 lease=10s until=112s", -1},          // the second copy began with seq 2
		{"owner=me nonce=M token=8 seq=1 lease=10s until=110s released", -1}, // ended since
		{"owner=me nonce=M token=8 seq=1", -1},
		{"owner=me nonce=N token=8 seq=1 lease=10s until=110s", -1},
		{"none", -1},
	} {
		belief, won := a.Won(parse(c.record))
		if won != (c.which >= 0) {
			t.Errorf("%s: won %v", c.record, won)
			continue
		}
		if won && (belief.Sent.Mono != time.Duration(c.which)*2*time.Second || belief.Expires != promises[c.which].Expires || belief.Lease != 10*time.Second) {
			t.Errorf("%s: %+v", c.record, belief)
		}
	}
	if _, won := new(protocol.Attempts).Won(parse("nonce=M seq=1")); won {
		t.Error("won without an attempt")
	}
}
