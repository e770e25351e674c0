package protocol_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A release wins over renewals of its own tenure, whatever their number, and
// over nothing else. Where nobody waits what is left is free: it keeps its
// nonce, token and data, and has no TTL. Where somebody waits the first gets
// the lock, under a higher token, with the wish that he queued with.
func TestPassOn(t *testing.T) {
	claim := protocol.Promise{Lease: 4 * time.Second, Expires: at(104 * time.Second)}
	const held = "owner=me nonce=M token=8 seq=3 since=5s lease=10s until=110s ttl=200s delete hold=90s data=x session=s "
	const free = "owner=me nonce=M token=8 seq=4 since=1m40s lease=4s until=1m44s released data=x last=M/released/me"
	const granted = "owner=b nonce=P token=9 seq=4 since=1m40s lease=4s until=1m44s data=x "
	step{"pass on", protocol.PassOn("M", "me", at(100*time.Second), claim), [][2]string{
		{held, free},
		{held + "sealed last=A/forced/op", strings.Replace(free, "data=x", "data=x sealed", 1)},
		{held + "queue=[P/b]", granted + "last=M/released/me"},
		{held + "last=A/forced/op queue=[P/b Q/c/delete R/d]", granted + "queue=[Q/c/delete R/d] last=M/released/me"},
		{"owner=me nonce=M token=8 seq=99 queue=[P/b/delete Q]", "owner=b nonce=P token=9 seq=100 since=1m40s lease=4s until=1m44s delete queue=[Q] last=M/released/me"},
		{"owner=me nonce=M token=8 seq=3 ended queue=[P/b]", "owner=b nonce=P token=9 seq=4 since=1m40s lease=4s until=1m44s last=M/released/me"},
		{free, refused}, // repeated
		{granted + "last=M/released/me", refused},
		{granted + "queue=[Q] last=M/released/me", refused},
		{"owner=b nonce=B token=9 seq=1", refused},
		{"owner=b nonce=B token=9 seq=1 queue=[M/me]", refused}, // in the queue is not holding
		{"owner=b nonce=B token=9 seq=1 released", refused},
		{"none", refused},
		{"owner=me", refused},
	}}.check(t)
	step{"pass on, without an end", protocol.PassOn("M", "me", at(100*time.Second), protocol.Promise{Lease: 3 * time.Second}), [][2]string{
		{held + "queue=[P/b]", "owner=b nonce=P token=9 seq=4 since=1m40s lease=3s data=x last=M/released/me"},
		{held, "owner=me nonce=M token=8 seq=4 since=1m40s lease=3s released data=x last=M/released/me"},
	}}.check(t)
}

// The writes of the tenure before a hand-over, and of one that was never handed
// over, change nothing after it; the new holder's claim and its release do.
func TestWritesAfterPassOn(t *testing.T) {
	const granted = "owner=b nonce=P token=9 seq=4 since=1m40s lease=4s until=1m44s data=x queue=[Q/c] last=M/released/me"
	p := protocol.Promise{Lease: 10 * time.Second, Expires: at(112 * time.Second), TTL: at(200 * time.Second)}
	for name, w := range map[string]lockstore.Write{
		"renew": protocol.Renew("M", 3, p, nil), "renew, the next": protocol.Renew("M", 4, p, nil),
		"release": protocol.PassOn("M", "me", at(0), p), "delete": protocol.Delete("M"),
		"leave held": protocol.LeaveHeld("M", "E", "me", p, true), "move": protocol.MoveTo("s", "M", 4),
		"force":          protocol.Force(parse("owner=me nonce=M token=8 seq=3"), "op", protocol.Moment{}, knowing(protocol.Moment{}, 0, 0)),
		"join of P":      protocol.Join(waiter("P/b")),
		"join of Q":      protocol.Join(waiter("Q/c")),
		"leave of P":     protocol.Leave("P", 0),
		"acquire":        protocol.Acquire(mine(), 1, at(0), at(time.Hour)),
		"take over of Q": protocol.TakeOverQueued(parse("nonce=M token=8 seq=3 queue=[P Q]"), 1, mine(), 1, at(0)),
		"resume":         protocol.Resume(parse("nonce=M token=8 seq=3 queue=[P Q]"), mine(), 1, at(0)),
		"claim, again":   protocol.Renew("P", 3, p, nil),
		"delete of P":    protocol.Delete("P"),
	} {
		step{name + " after it", w, [][2]string{{granted, refused}}}.check(t)
	}
	step{"claim", protocol.Renew("P", 4, p, nil), [][2]string{
		{granted, "owner=b nonce=P token=9 seq=5 since=1m40s lease=10s until=1m52s ttl=3m20s data=x queue=[Q/c] last=M/released/me"},
	}}.check(t)
	step{"release of P", protocol.PassOn("P", "b", at(101*time.Second), protocol.Promise{Lease: 3 * time.Second}), [][2]string{
		{granted, "owner=c nonce=Q token=10 seq=5 since=1m41s lease=3s data=x last=P/released/b"},
	}}.check(t)
}

// Whatever fields a record has, a step that begins a tenure leaves of the former
// one only what is named here. (A takeover keeps last as all of these had ended.)
func TestNothingOfTheFormerTenureStays(t *testing.T) {
	claim := protocol.Promise{Lease: 4 * time.Second, Expires: at(104 * time.Second)}
	now := protocol.Moment{Wall: at(100 * time.Second)}
	held := filled("")
	held.Ended = false
	for name, c := range map[string]struct {
		write lockstore.Write
		queue string
		stays []string
	}{
		"pass on":                 {protocol.PassOn("x", "me", now.Wall, claim), "", []string{"Owner", "Nonce", "Token", "Data", "Sealed", "DataErr", "Queue", "Revoked"}},
		"pass on, queue":          {protocol.PassOn("x", "me", now.Wall, claim), "P/b Q/c", []string{"Data", "Sealed", "DataErr", "Revoked"}},
		"force, queue":            {protocol.Force(held, "op", now, knowing(now, 0, 0)), "P/b Q/c", []string{"Data", "Sealed", "DataErr", "Revoked", "Expires"}}, // zero, as before
		"take over":               {protocol.TakeOverQueued(filled(""), 0, mine(), 1, now.Wall), "", []string{"Last", "Data", "Sealed", "DataErr", "Queue", "Revoked"}},
		"take over from 0, queue": {protocol.TakeOverQueued(filled("P/b Q/c"), 0, mine(), 1, now.Wall), "P/b Q/c", []string{"Last", "Data", "Sealed", "DataErr", "Revoked"}},
		"resume":                  {protocol.Resume(filled("P/b"), mine(), 1, now.Wall), "P/b", []string{"Data", "Sealed", "DataErr", "Queue", "Revoked"}},
	} {
		before := filled(c.queue)
		if strings.HasPrefix(name, "force") {
			before.Expires = time.Time{}
		}
		if holds, err := c.write.If.Holds(before); !holds || err != nil {
			t.Errorf("%s: %v, %v", name, holds, err)
			continue
		}
		after, err := c.write.Apply(before)
		if err != nil {
			t.Fatal(err)
		}
		var stays []string
		a, b := reflect.ValueOf(*before), reflect.ValueOf(*after)
		for i := range a.NumField() {
			if field := a.Type().Field(i).Name; field != "Released" && reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				stays = append(stays, field)
			}
		}
		slices.Sort(stays)
		slices.Sort(c.stays)
		if !slices.Equal(stays, c.stays) {
			t.Errorf("%s: %v stays, want %v", name, stays, c.stays)
		}
		if free := name == "pass on"; after.Released != free {
			t.Errorf("%s: released = %v", name, after.Released)
		}
	}
}

// filled is a held record with every field set, so that one that is added and
// forgotten shows.
func filled(queue string) *lockstore.Record {
	r := &lockstore.Record{}
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case string, lockstore.Nonce:
			f.SetString("x")
		case int64, time.Duration:
			f.SetInt(7)
		case bool:
			f.SetBool(true)
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(7, 0).UTC()))
		case []byte:
			f.SetBytes([]byte("data"))
		case []lockstore.Waiter:
			r.Queue = []lockstore.Waiter{}
			for _, text := range strings.Fields(queue) {
				r.Queue = append(r.Queue, waiter(text))
			}
		case *lockstore.Last:
			r.Last = &lockstore.Last{Nonce: "l", How: lockstore.HowForced, By: "somebody"}
		case error, nil:
		default:
			panic("a field of a new type: " + v.Type().Field(i).Name)
		}
	}
	r.Released = false
	return r
}

// A claim ends by the latest that the store's clock can show, and as a lease is
// longer by what is not known, so that whoever counts it from first sight, of a
// write that came no earlier than the earliest, ends no earlier.
func TestClaim(t *testing.T) {
	now := protocol.Moment{Wall: at(100 * time.Second)}
	for _, c := range []struct {
		name     string
		from, to time.Duration
		want     string
	}{
		{"nothing known", 0, 0, "lease=3s"},
		{"exactly known", 90 * time.Second, 90 * time.Second, "lease=3s until=1m33s"},
		{"known to a second", 90 * time.Second, 91 * time.Second, "lease=4s until=1m34s"},
		{"known to a window", 90 * time.Second, 93 * time.Second, "lease=6s until=1m36s"},
		{"not known to a window", 90 * time.Second, 93*time.Second + 1, "lease=3s"},
		{"hardly known", 90 * time.Second, 190 * time.Second, "lease=3s"},
		// The lease in whole milliseconds is never shorter, the end never later.
		{"fractions", 90*time.Second + 100*time.Microsecond, 91*time.Second + 900*time.Microsecond, "lease=4.001s until=1m34s"},
	} {
		p := protocol.Claim(now, knowing(now, c.from, c.to))
		if got := format(&lockstore.Record{Lease: p.Lease, Expires: p.Expires, TTL: p.TTL}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Like every time that is stored, the end is in UTC, whatever the store's clock is
// told in.
func TestClaimInUTC(t *testing.T) {
	now, zone := protocol.Moment{Wall: start}, time.FixedZone("", 3600)
	b := protocol.NewBounds(0)
	b.Observe(now, now, lockstore.TimeBounds{Earliest: start.In(zone), Latest: start.In(zone)})
	if p := protocol.Claim(now, &b); p.Expires.Location() != time.UTC || !p.Expires.Equal(at(protocol.ClaimWindow)) {
		t.Error(p.Expires)
	}
}

// The width is that of now, not that of the last answer.
func TestClaimLater(t *testing.T) {
	now := protocol.Moment{Wall: at(100 * time.Second)}
	bounds := knowing(now, 90*time.Second, 91*time.Second)
	for _, c := range []struct {
		mono, wall time.Duration
		want       string
	}{
		{500 * time.Second, 500 * time.Second, "lease=4.6s until=9m54.3s"},
		{0, 1900 * time.Millisecond, "lease=5.902s until=1m35.901s"}, // it slept, or somebody set the clock
		{1900 * time.Millisecond, 0, "lease=5.902s until=1m35.901s"},
		{0, -1900 * time.Millisecond, "lease=5.902s until=1m34s"},
		{0, 2 * time.Second, "lease=3s"}, // too little is known now
		{0, -2 * time.Second, "lease=3s"},
		{30 * time.Minute, 30 * time.Minute, "lease=3s"}, // for long nothing was heard
	} {
		p := protocol.Claim(later(now, c.mono, c.wall), bounds)
		if got := format(&lockstore.Record{Lease: p.Lease, Expires: p.Expires}); got != c.want {
			t.Errorf("after %v, wall clock %v: %s, want %s", c.mono, c.wall, got, c.want)
		}
	}
}

// Who is handed a lock believes until the end that was written, by its own
// latest: when it heard of it changes nothing.
func TestGranted(t *testing.T) {
	now := protocol.Moment{Mono: time.Hour, Wall: at(100 * time.Second)}
	bounds := knowing(now, 90*time.Second, 91*time.Second)
	r := parse("nonce=P token=9 seq=4 lease=4s until=94s queue=[Q]")
	b, ok := protocol.Granted(r, now, bounds)
	if !ok || b.Sent != now || b.Lease != 4*time.Second || !b.Expires.Equal(at(94*time.Second)) {
		t.Errorf("%+v", b)
	}
	for _, c := range []struct {
		mono, wall time.Duration
		want       string
	}{
		{0, 0, "2.9982s"},
		{time.Second, time.Second, "1.9982s"},
		{0, time.Second, "1.9982s"},
		{time.Second, 0, "1.9982s"},
		{3 * time.Second, 3 * time.Second, "-1.8ms"},
	} {
		at := later(now, c.mono, c.wall)
		if got := show(b.Left(at, bounds)); got != c.want {
			t.Errorf("after %v, wall clock %v: %s, want %s", c.mono, c.wall, got, c.want)
		}
		b, _ := protocol.Granted(r, at, bounds)
		if got := show(b.Left(at, bounds)); got != c.want {
			t.Errorf("heard of it after %v, wall clock %v: %s, want %s", c.mono, c.wall, got, c.want)
		}
	}
}
