package protocol_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// knowing gives bounds that say from..to at that moment; nothing if to is 0.
func knowing(now protocol.Moment, from, to time.Duration) *protocol.Bounds {
	b := protocol.NewBounds(0)
	if to != 0 {
		b.Observe(now, now, lockstore.TimeBounds{Earliest: at(from), Latest: at(to)})
	}
	return &b
}

// A promise counts from the latest that the store's clock can show, or from
// the local wall clock as long as nothing is known; its parts belong together.
func TestNewPromise(t *testing.T) {
	now := protocol.Moment{Wall: at(100 * time.Second)}
	for _, c := range []struct {
		name                   string
		from, to               time.Duration // of the store's clock
		lease, hold, retention time.Duration
		want                   string
	}{
		{"nothing known", 0, 0, 10 * time.Second, 0, time.Minute, "lease=10s until=1m50s ttl=2m51s"},
		{"the latest", 90 * time.Second, 95 * time.Second, 10 * time.Second, 0, time.Minute, "lease=10s until=1m45s ttl=2m46s"},
		{"no TTL", 90 * time.Second, 95 * time.Second, 10 * time.Second, 0, 0, "lease=10s until=1m45s"},
		{"no end", 90 * time.Second, 95 * time.Second, 0, 0, time.Minute, ""},
		{"no end, and a hold", 90 * time.Second, 95 * time.Second, 0, 200 * time.Second, time.Minute, ""},
		{"a hold before the end", 90 * time.Second, 95 * time.Second, 10 * time.Second, 92 * time.Second, 0, "lease=10s until=1m45s"},
		// Whoever counts the lease from first sight must not end before the hold:
		// so the lease is what is left by the earliest. The end is the hold itself,
		// or it would move on with each renewal.
		{"a hold beyond", 90 * time.Second, 95 * time.Second, 10 * time.Second, 120 * time.Second, 0, "lease=30s until=2m0s"},
		{"a hold beyond, nothing known", 0, 0, 10 * time.Second, 120 * time.Second, 0, "lease=20s until=2m0s"},
		// Milliseconds, never shorter than asked for; TTLs in whole seconds, never early.
		{"fractions", 90 * time.Second, 95*time.Second + 500*time.Microsecond, 1500*time.Millisecond + 1, 0, 1, "lease=1.501s until=1m36.501s ttl=1m37s"},
	} {
		var hold time.Time
		if c.hold != 0 {
			hold = at(c.hold)
		}
		p := protocol.NewPromise(now, knowing(now, c.from, c.to), c.lease, hold, c.retention)
		if got := format(&lockstore.Record{Lease: p.Lease, Expires: p.Expires, TTL: p.TTL}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if p.Expires.Location() != time.UTC {
			t.Errorf("%s: not UTC", c.name)
		}
	}
}

// HoldAtLeast is promised from the latest, rounded up.
func TestHoldUntil(t *testing.T) {
	now := protocol.Moment{Wall: at(100 * time.Second)}
	for _, c := range []struct{ from, to, d, want time.Duration }{
		{0, 0, time.Minute, 160*time.Second + time.Millisecond},
		{90 * time.Second, 95 * time.Second, time.Minute, 155*time.Second + time.Millisecond},
	} {
		if got := protocol.HoldUntil(now, knowing(now, c.from, c.to), c.d).Sub(start); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
	if got := protocol.HoldUntil(now, knowing(now, 0, 0), 0); !got.IsZero() {
		t.Error("nothing was promised:", got)
	}
}

// An early release leaves the rest of the hold: no observer who counts it from
// first sight, no earlier than the write, ends before the hold does.
func TestRest(t *testing.T) {
	p := protocol.Rest(at(200*time.Second), at(190*time.Second+500*time.Microsecond), time.Minute)
	if got := format(&lockstore.Record{Lease: p.Lease, Expires: p.Expires, TTL: p.TTL}); got != "lease=10s until=3m20s ttl=4m21s" {
		t.Error(got)
	}
	if p := protocol.Rest(at(200*time.Second), at(190*time.Second), 0); !p.TTL.IsZero() {
		t.Error(p.TTL)
	}
}

// A new item's first token is the time, within what the store's clock can
// show, and above what this client saw under the key.
func TestBase(t *testing.T) {
	micros := func(d time.Duration) int64 { return at(d).UnixMicro() }
	for _, c := range []struct {
		name           string
		wall, from, to time.Duration
		last, want     int64
	}{
		{"nothing known", 100 * time.Second, 0, 0, 0, micros(100 * time.Second)},
		{"a right clock", 100 * time.Second, 99 * time.Second, 101 * time.Second, 0, micros(100 * time.Second)},
		{"a slow clock", 100 * time.Second, 200 * time.Second, 201 * time.Second, 0, micros(200 * time.Second)},
		{"a fast clock", 500 * time.Second, 200 * time.Second, 201 * time.Second, 0, micros(201 * time.Second)},
		{"seen before", 100 * time.Second, 0, 0, micros(time.Hour), micros(time.Hour)},
		{"long ago", 100 * time.Second, 0, 0, 7, micros(100 * time.Second)},
		{"a clock before 1970", -100 * 365 * 24 * time.Hour, 0, 0, 0, 1},
		{"the same, seen before", -100 * 365 * 24 * time.Hour, 0, 0, 7, 7},
	} {
		now := protocol.Moment{Wall: at(c.wall)}
		if got := protocol.Base(now, knowing(now, c.from, c.to), c.last); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// The belief is the promise, from before it was sent.
func TestPromiseBelief(t *testing.T) {
	sent := protocol.Moment{Mono: 5 * time.Second, Wall: at(100 * time.Second)}
	p := protocol.Promise{Lease: 10 * time.Second, Expires: at(110 * time.Second), TTL: at(time.Hour)}
	if b := p.Belief(sent); b.Sent != sent || b.Lease != p.Lease || b.Expires != p.Expires {
		t.Errorf("%+v", b)
	}
}
