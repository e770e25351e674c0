package protocol_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// An update changes the data, and the end of the tenure not at all.
func TestUpdate(t *testing.T) {
	step{"update", protocol.Update("M", 3, &lockstore.SetData{Bytes: []byte("new"), Sealed: true}), [][2]string{
		{"owner=me nonce=M token=8 seq=3 since=5s lease=10s until=110s ttl=200s data=x", "owner=me nonce=M token=8 seq=4 since=5s lease=10s until=1m50s ttl=3m20s data=new sealed"},
		{"owner=me nonce=M token=8 seq=4 data=newer", refused}, // old data does not come back
		{"owner=me nonce=M token=8 seq=3 released", refused},
		{"none", refused},
	}}.check(t)
	step{"remove data", protocol.Update("M", 3, &lockstore.SetData{}), [][2]string{
		{"nonce=M seq=3 data=x sealed", "nonce=M seq=4"},
	}}.check(t)
	step{"update of an early version's", protocol.UpdateLegacy(parse("owner=me"), lockstore.SetData{Bytes: []byte("new")}), [][2]string{
		{"owner=me data=x ttl=9s", "owner=me ttl=9s data=new"},
		{"owner=b data=x", refused},
		{"owner=me released", refused},
		{"owner=me nonce=M seq=1", refused},
		{"none", refused},
	}}.check(t)
}

func TestRaiseToken(t *testing.T) {
	step{"raise token", protocol.RaiseToken("M", 1, 8, 90), [][2]string{
		{"nonce=M token=8 seq=1", "nonce=M token=90 seq=2"},
		{"nonce=M token=8 seq=2", refused},
		{"nonce=M token=91 seq=1", refused},
		{"nonce=M token=8 seq=1 released", refused},
	}}.check(t)
}

// An early version's lock has no queue, no nonce and no number.
func TestReleaseLegacy(t *testing.T) {
	step{"release of an early version's", protocol.ReleaseLegacy(parse("owner=me"), at(100*time.Second)), [][2]string{
		{"owner=me since=5s ttl=9s data=x", "owner=me since=1m40s released data=x last=/released/me"},
		{"owner=b", refused},
		{"owner=me released", refused},
		{"owner=me nonce=M seq=1", refused},
		{"none", refused},
	}}.check(t)
}

// A release that deletes wins over renewals as well, as long as nobody stands in
// the queue.
func TestDelete(t *testing.T) {
	step{"delete", protocol.Delete("M"), [][2]string{
		{"owner=me nonce=M token=8 seq=99 delete data=x", "none"},
		{"owner=me nonce=M token=8 seq=3 delete queue=[Q]", refused},
		{"owner=me nonce=M token=8 seq=3 released", refused},
		{"owner=b nonce=B token=9 seq=1", refused},
		{"none", refused},
	}}.check(t)
	step{"delete an early version's", protocol.DeleteLegacy(parse("owner=me delete")), [][2]string{
		{"owner=me delete data=x", "none"},
		{"owner=me delete released", refused},
		{"owner=b", refused},
		{"owner=me nonce=M seq=1", refused},
	}}.check(t)
}

// Force ends the tenure with the token that the operator saw, renewed since or
// not, hands the lock to the first in the queue, seen or not, and leaves who
// did it.
func TestForce(t *testing.T) {
	now := protocol.Moment{Wall: at(100 * time.Second)}
	bounds := knowing(now, 150*time.Second, 151*time.Second)
	step{"force", protocol.Force(parse("owner=a nonce=A token=7 seq=3"), "op", now, bounds), [][2]string{
		{"owner=a nonce=A token=7 seq=9 lease=10s until=110s ttl=200s hold=2m delete data=x", "owner=a nonce=A token=7 seq=10 since=1m40s lease=4s until=2m34s released data=x last=A/forced/op"},
		{
			"owner=a nonce=A token=7 seq=9 lease=10s until=110s ttl=200s hold=2m delete data=x queue=[Q/b R/c/delete]",
			"owner=b nonce=Q token=8 seq=10 since=1m40s lease=4s until=2m34s data=x queue=[R/c/delete] last=A/forced/op",
		},
		{"owner=a nonce=A token=7 seq=3 lease=10s until=110s hold=110s ended", "owner=a nonce=A token=7 seq=4 since=1m40s lease=4s until=2m34s released last=A/forced/op"},
		{"owner=a nonce=A token=7 seq=3 lease=10s until=110s hold=110s ended queue=[Q/b]", "owner=b nonce=Q token=8 seq=4 since=1m40s lease=4s until=2m34s last=A/forced/op"},
		{"owner=b nonce=B token=8 seq=3", refused},
		{"owner=b nonce=B token=7 seq=3", refused},
		{"owner=a nonce=A token=8 seq=3", refused},
		{"owner=a nonce=A token=7 seq=3 released", refused},
		{"none", refused},
	}}.check(t)
	step{"force of a session's", protocol.Force(parse("owner=a nonce=A token=7 seq=3 session=s"), "op", now, bounds), [][2]string{
		{"owner=a nonce=A token=7 seq=9 lease=10s session=s", "owner=a nonce=A token=7 seq=10 since=1m40s lease=4s until=2m34s released last=A/forced/op"},
		{"owner=a nonce=A token=7 seq=9 lease=10s session=other", refused},
		{"owner=a nonce=A token=7 seq=9 lease=10s", refused},
	}}.check(t)
	step{"force of what moved to a session", protocol.Force(parse("owner=a nonce=A token=7 seq=3"), "op", now, bounds), [][2]string{
		{"owner=a nonce=A token=7 seq=4 lease=10s session=s", refused},
	}}.check(t)
	step{"force, by one who knows no time", protocol.Force(parse("owner=a nonce=A token=7 seq=3"), "op", now, knowing(now, 0, 0)), [][2]string{
		{"owner=a nonce=A token=7 seq=3 queue=[Q/b]", "owner=b nonce=Q token=8 seq=4 since=1m40s lease=3s last=A/forced/op"},
	}}.check(t)
	step{"force of an early version's", protocol.Force(parse("owner=a"), "op", now, bounds), [][2]string{
		{"owner=a ttl=9s data=x", "owner=a since=1m40s released data=x last=/forced/op"},
		{"owner=a token=7", refused},
		{"owner=b", refused},
		{"owner=a released", refused},
		{"owner=a nonce=A token=7 seq=1", refused},
		{"none", refused},
	}}.check(t)
	step{"force of an early version's with a token", protocol.Force(parse("owner=a token=7"), "op", now, bounds), [][2]string{
		{"owner=a token=7", "owner=a token=7 since=1m40s released last=/forced/op"},
		{"owner=a token=8", refused},
		{"owner=a", refused},
	}}.check(t)
}

// One that was to go at its release and that nobody waits for stays, to tell
// its holder, until the table's item expiry.
func TestForceDeleting(t *testing.T) {
	r := parse("owner=a nonce=A token=7 seq=3 delete")
	now := protocol.Moment{Wall: at(100 * time.Second)}
	step{"force", protocol.ForceDeleting(r, "op", now, knowing(now, 0, 0), time.Minute), [][2]string{
		{
			"owner=a nonce=A token=7 seq=3 delete lease=10s until=110s ttl=2m hold=110s session=s data=x last=B/released/b",
			"owner=a nonce=A token=7 seq=3 since=1m40s ttl=2m41s released delete data=x last=A/forced/op",
		},
		{"owner=a nonce=A token=7 seq=3 delete queue=[Q]", refused}, // somebody came meanwhile: to be looked at again
		{"owner=a nonce=A token=7 seq=4 delete", refused},
		{"owner=a nonce=A token=8 seq=3 delete", refused},
		{"owner=a nonce=A token=7 seq=3 released delete", refused},
		{"owner=b nonce=B token=7 seq=3 delete", refused},
		{"none", refused},
	}}.check(t)
	step{"force, by the store's clock", protocol.ForceDeleting(r, "op", now, knowing(now, 150*time.Second, 151*time.Second), time.Minute), [][2]string{
		{"owner=a nonce=A token=7 seq=3 delete", "owner=a nonce=A token=7 seq=3 since=1m40s ttl=3m32s released delete last=A/forced/op"},
	}}.check(t)
	step{"force of an early version's", protocol.ForceDeleting(parse("owner=a delete"), "op", now, knowing(now, 0, 0), time.Minute), [][2]string{
		{"owner=a delete", "owner=a since=1m40s ttl=2m41s released delete last=/forced/op"},
		{"owner=b delete", refused},
	}}.check(t)
}

// What HoldAtLeast leaves is taken by nobody: no write of the former tenure
// passes any more, and others wait for the promised end.
func TestLeaveHeld(t *testing.T) {
	rest := protocol.Promise{Lease: 20 * time.Second, Expires: at(120 * time.Second), TTL: at(200 * time.Second)}
	const before = "owner=me nonce=M token=8 seq=3 since=5s lease=10s until=110s ttl=150s hold=2m data=x session=s"
	const after = "owner=me nonce=E token=8 seq=1 since=5s lease=20s until=2m0s ttl=3m20s hold=2m0s ended data=x last=M/released/me"
	step{"leave held", protocol.LeaveHeld("M", "E", "me", rest, false), [][2]string{
		{before, after},
		{"owner=me nonce=M token=8 seq=99 queue=[Q/b]", "owner=me nonce=E token=8 seq=1 lease=20s until=2m0s ttl=3m20s ended queue=[Q/b] last=M/released/me"}, // who waits goes on waiting
		{after, refused},
		{"owner=me nonce=M token=8 seq=3 released", refused},
		{"owner=b nonce=B token=9 seq=3", refused},
		{"none", refused},
	}}.check(t)
	step{"leave held, deleting", protocol.LeaveHeld("M", "E", "me", rest, true), [][2]string{
		{before, "owner=me nonce=E token=8 seq=1 since=5s lease=20s until=2m0s ttl=3m20s hold=2m0s ended last=M/released/me"},
	}}.check(t)
	for name, w := range map[string]lockstore.Write{
		"renew": protocol.Renew("M", 3, rest, nil), "update": protocol.Update("M", 1, nil), "delete": protocol.Delete("M"),
		"release": protocol.PassOn("M", "me", at(0), protocol.Promise{}), "attach": protocol.Renew("M", 1, rest, nil),
		"leave held": protocol.LeaveHeld("M", "F", "me", rest, false), "move": protocol.MoveTo("s", "M", 1),
	} {
		step{name + " after it", w, [][2]string{{after, refused}}}.check(t)
	}
}
