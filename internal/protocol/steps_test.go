package protocol_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// at gives a time of the store.
func at(d time.Duration) time.Time { return start.Add(d) }

// mine is what I write when I take a lock at 100 s, for a lease of 10 s.
func mine() protocol.Tenure {
	return protocol.Tenure{
		Owner: "me", Nonce: "M", Seq: 1,
		Promise: protocol.Promise{Lease: 10 * time.Second, Expires: at(110 * time.Second), TTL: at(200 * time.Second)},
	}
}

const refused = "refused"

// A step is one write, carried out on each of these records.
type step struct {
	name     string
	write    lockstore.Write
	outcomes [][2]string // the record before, and what it becomes
}

func (s step) check(t *testing.T) {
	t.Helper()
	for _, o := range s.outcomes {
		r := parse(o[0])
		got := refused
		ok, err := s.write.If.Holds(r)
		if ok && err == nil {
			var after *lockstore.Record
			after, err = s.write.Apply(r)
			got = format(after)
		}
		if err != nil {
			t.Errorf("%s on %q: %v", s.name, o[0], err)
		}
		if got != o[1] {
			t.Errorf("%s\n  on %s\n got %s\nwant %s", s.name, o[0], got, o[1])
		}
	}
}

// My lock as it stands after each step that takes it from nobody.
const taken = "owner=me nonce=M token=51 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s"

// Acquire takes what is free, and what a clock says has ended; what it makes
// has nothing of the former tenure but its data, the token plus one, and what
// its holder may still want to read in last.
func TestAcquire(t *testing.T) {
	step{"acquire", protocol.Acquire(mine(), 50, at(100*time.Second), at(95*time.Second)), [][2]string{
		{"none", taken},
		{"owner=a released", taken}, // of an early version
		{"owner=a nonce=A token=7 seq=3 released", "owner=me nonce=M token=8 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s"},
		{"owner=a nonce=A token=7 seq=3 released delete data=x last=A/forced/op", "owner=me nonce=M token=8 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s data=x last=A/forced/op"},
		{"owner=a nonce=A token=7 seq=3 lease=10s until=94s ttl=99s hold=94s ended", "owner=me nonce=M token=8 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s"},
		{"owner=a nonce=A token=7 seq=3 lease=10s until=95s", refused}, // not before, at
		{"owner=a nonce=A token=7 seq=3 lease=10s until=96s", refused},
		{"owner=a nonce=A token=7 seq=3 lease=10s", refused}, // no end was written
		{"owner=a nonce=A token=7 seq=3", refused},           // no lease
		{"owner=a", refused}, // of an early version
		{"owner=a nonce=A token=7 seq=3 lease=10s until=90s session=s", refused},
		{"owner=me nonce=other token=7 seq=3 lease=10s until=2m", refused}, // being of one owner is nothing
		// A copy of this request that comes late revives nothing.
		{taken, refused},
		{"owner=me nonce=M token=51 seq=2 released", refused},
		{"owner=me nonce=M token=51 seq=1 lease=10s until=90s", refused},
		// Nobody overtakes the queue.
		{"owner=a nonce=A token=7 seq=3 released queue=[Q]", refused},
		{"owner=a nonce=A token=7 seq=3 lease=10s until=90s queue=[Q R]", refused},
	}}.check(t)
}

// Without a time that is certain no lease is ended.
func TestAcquireWithoutTime(t *testing.T) {
	step{"acquire", protocol.Acquire(mine(), 50, at(100*time.Second), time.Time{}), [][2]string{
		{"none", taken},
		{"owner=a nonce=A token=7 seq=3 lease=10s until=1s", refused},
	}}.check(t)
}

// The wishes of the acquire are all in the record; data only where it is given.
func TestAcquireWishes(t *testing.T) {
	full := mine()
	full.Hold, full.DeleteOnRelease, full.Data = at(105*time.Second), true, &lockstore.SetData{Bytes: []byte("new"), Sealed: true}
	step{"acquire", protocol.Acquire(full, 50, at(100*time.Second), time.Time{}), [][2]string{
		{"owner=a nonce=A token=7 seq=3 released data=x", "owner=me nonce=M token=8 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s delete hold=1m45s data=new sealed"},
	}}.check(t)
	bare := mine()
	bare.Promise, bare.Data = protocol.Promise{}, &lockstore.SetData{}
	step{"acquire", protocol.Acquire(bare, 50, at(100*time.Second), time.Time{}), [][2]string{
		{"owner=a nonce=A token=7 seq=3 released delete hold=5s ttl=9s data=x sealed", "owner=me nonce=M token=8 seq=1 since=1m40s"},
	}}.check(t)
}

// Resume: exactly the tenure, in exactly the state, that was seen; its queue
// stays.
func TestResume(t *testing.T) {
	const seen = "owner=me nonce=A token=7 seq=3 lease=10s until=2m"
	step{"resume", protocol.Resume(parse(seen), mine(), 5, at(100*time.Second)), [][2]string{
		{seen + " data=x queue=[Q]", "owner=me nonce=M token=8 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s data=x queue=[Q] last=A/resumed/me"},
		{"owner=me nonce=A token=7 seq=4 lease=10s until=2m", refused},
		{"owner=me nonce=M token=8 seq=1 last=A/resumed/me", refused}, // a late copy
		{"owner=me nonce=A token=7 seq=3 released", refused},
		{"none", refused},
	}}.check(t)
	step{"resume of an early version's", protocol.Resume(parse("owner=me data=x"), mine(), 5, at(100*time.Second)), [][2]string{
		{"owner=me data=x", "owner=me nonce=M token=6 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s data=x last=/resumed/me"},
		{"owner=me released", refused},
		{"owner=b", refused},
		{"owner=me nonce=B token=6 seq=1", refused},
		{"none", refused},
	}}.check(t)
}

// A renewal changes the end and nothing else. After anything newer it changes
// nothing, so that a late copy of it is harmless.
func TestRenew(t *testing.T) {
	p := protocol.Promise{Lease: 10 * time.Second, Expires: at(120 * time.Second), TTL: at(210 * time.Second)}
	const before = "owner=me nonce=M token=8 seq=3 since=5s lease=10s until=1m50s ttl=3m20s delete hold=1m data=x last=A/released/a"
	const after = "owner=me nonce=M token=8 seq=4 since=5s lease=10s until=2m0s ttl=3m30s delete hold=1m0s data=x last=A/released/a"
	step{"renew", protocol.Renew("M", 3, p, nil), [][2]string{
		{before, after},
		{after, refused}, // the second copy, or one behind a newer write
		{"owner=me nonce=M token=8 seq=2", refused},
		{"owner=me nonce=M token=8 seq=3 released", refused}, // a release won
		{"owner=b nonce=B token=9 seq=3", refused},           // lost meanwhile
		{"none", refused}, // gone: never made again
		{"owner=me nonce=M token=8 seq=3 queue=[Q]", "owner=me nonce=M token=8 seq=4 lease=10s until=2m0s ttl=3m30s queue=[Q]"},
		{"owner=me nonce=M token=8 seq=3 lease=10s session=s", "owner=me nonce=M token=8 seq=4 lease=10s until=2m0s ttl=3m30s"}, // moved back
	}}.check(t)
	step{"renew with data, without end", protocol.Renew("M", 3, protocol.Promise{}, &lockstore.SetData{Bytes: []byte("new")}), [][2]string{
		{before, "owner=me nonce=M token=8 seq=4 since=5s delete hold=1m0s data=new last=A/released/a"},
	}}.check(t)
}
