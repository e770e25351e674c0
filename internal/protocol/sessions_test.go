package protocol_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// Under a session a tenure has no end of its own: an end or a TTL that stayed
// would end it while its session lives. It keeps everything else.
func TestMoveTo(t *testing.T) {
	const before = "owner=me nonce=M token=8 seq=3 since=5s lease=10s until=110s ttl=200s delete hold=1m data=x queue=[Q/b] last=A/released/a"
	const after = "owner=me nonce=M token=8 seq=4 since=5s lease=10s delete hold=1m0s data=x session=s queue=[Q/b] last=A/released/a"
	step{"move", protocol.MoveTo("s", "M", 3), [][2]string{
		{before, after},
		{after, refused}, // a late copy
		{"owner=me nonce=M token=8 seq=3 session=r", "owner=me nonce=M token=8 seq=4 session=s"},
		{"owner=me nonce=M token=8 seq=2", refused},
		{"owner=me nonce=M token=8 seq=3 released", refused},
		{"owner=b nonce=B token=9 seq=3", refused},
		{"owner=me", refused},
		{"none", refused},
	}}.check(t)
}

// A mark is for a session that is there, whatever its state, and leaves its
// number alone, so that its owner's renewals go on.
func TestRevoke(t *testing.T) {
	step{"mark", protocol.Revoke(), [][2]string{
		{"owner=me nonce=S token=8 seq=3 lease=20s until=20s ttl=50s", "owner=me nonce=S token=8 seq=3 lease=20s until=20s ttl=50s revoked=1"},
		{"owner=me nonce=S token=8 seq=3 revoked=4", "owner=me nonce=S token=8 seq=3 revoked=5"},
		{"owner=me nonce=S seq=3 released", "owner=me nonce=S seq=3 released revoked=1"},
		{"none", refused}, // never made again
	}}.check(t)
}

// One mark does not hide another's, and a renewal keeps them.
func TestRenewKeepsMarks(t *testing.T) {
	p := protocol.Promise{Lease: 20 * time.Second, Expires: at(40 * time.Second), TTL: at(100 * time.Second)}
	step{"renew", protocol.Renew("S", 3, p, nil), [][2]string{
		{"owner=me nonce=S token=8 seq=3 lease=20s until=20s revoked=4", "owner=me nonce=S token=8 seq=4 lease=20s until=40s ttl=1m40s revoked=4"},
	}}.check(t)
}

// A session that has lapsed is deleted as it was seen; marks do not save it.
func TestEndSession(t *testing.T) {
	step{"end", protocol.EndSession(parse("owner=me nonce=S token=8 seq=3 lease=20s until=20s revoked=1")), [][2]string{
		{"owner=me nonce=S token=8 seq=3 lease=20s until=20s revoked=1", "none"},
		{"owner=me nonce=S token=8 seq=3 lease=20s until=20s revoked=2", "none"},
		{"owner=me nonce=S token=8 seq=4 lease=20s until=40s revoked=1", refused}, // it lives
		{"owner=me nonce=T token=8 seq=3", refused},
		{"owner=me nonce=S token=8 seq=3 released", refused},
		{"owner=me", refused},
		{"none", refused},
	}}.check(t)
}
