package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A client's first look at a key, often at one that was never used.
func testAbsent(r *rig) {
	for _, read := range []lockstore.Consistency{lockstore.Consistent, lockstore.Eventual} {
		res, err := r.stores[0].Get(r.Context(), r.key(), read)
		if err != nil || res.Record != nil {
			r.Errorf("got %+v, %v; a key without a record is a nil Record and no error", res, err)
		}
	}
}

// The whole of an uncontended acquisition is one such write.
func testCreate(r *rig) {
	r.bothWays(func(actor, other lockstore.Store) {
		key := r.key()
		do, want := full()
		w := lockstore.Write{If: lockstore.All(lockstore.Absent{}), Do: do}
		r.wantStored(other, key, r.write(actor, key, w), true, want)
		r.wantStored(other, key, r.write(actor, key, w), false, want)
		r.wantStored(actor, key, r.write(other, key, w), false, want)
	})
}

// states are the records that conditions are tried on.
var states = []struct {
	name string
	do   []lockstore.Change
}{
	{name: "none"},
	{"held", []lockstore.Change{
		lockstore.SetOwner("holder"), lockstore.SetNonce(nonce1), lockstore.NextToken(1000), lockstore.SetSeq(3),
		lockstore.SetLease(10 * time.Second), lockstore.SetExpires(milli), lockstore.SetReleased(false), lockstore.KeepQueue{},
	}},
	{"released", []lockstore.Change{
		lockstore.SetOwner("holder"), lockstore.SetNonce(nonce1), lockstore.SetToken(1001), lockstore.SetSeq(4),
		lockstore.SetLease(10 * time.Second), lockstore.SetExpires{}, lockstore.SetReleased(true), lockstore.KeepQueue{},
	}},
	{"legacy", []lockstore.Change{ // of an early version
		lockstore.SetOwner("other"), lockstore.SetSince(second), lockstore.SetReleased(false),
	}},
	{"session", []lockstore.Change{
		lockstore.SetOwner("holder"), lockstore.SetNonce(nonce2), lockstore.NextToken(2000), lockstore.SetSeq(3),
		lockstore.SetLease(10 * time.Second), lockstore.SetSession("session"), lockstore.KeepQueue{},
	}},
	{"durable", []lockstore.Change{ // no lease, so that its Expires means nothing
		lockstore.SetOwner("Holder"), lockstore.SetNonce(nonce3), lockstore.NextToken(2000), lockstore.SetSeq(5),
		lockstore.SetLease(0), lockstore.SetExpires(milli),
	}},
}

const (
	everywhere = "none held released legacy session durable"
	nowhere    = ""
)

// conditions lists for each test the states in which it holds. In all others
// it must not.
var conditions = []struct {
	test  lockstore.Test
	holds string
}{
	{lockstore.Absent{}, "none"},
	{lockstore.Exists{}, "held released legacy session durable"},
	{lockstore.NonceIs(nonce1), "held released"},
	{lockstore.NonceIs(nonce2), "session"}, // the last byte counts
	{lockstore.NonceIs("\x00"), nowhere},
	{lockstore.NonceNot(nonce1), "none legacy session durable"},
	{lockstore.NonceNot("\x00"), everywhere},
	{lockstore.NoNonce{}, "none legacy"},
	{lockstore.SeqIs(3), "held session"},
	{lockstore.SeqIs(4), "released"},
	{lockstore.SeqIs(30), nowhere}, // numbers are not compared as text
	{lockstore.TokenIs(1001), "held released"},
	{lockstore.TokenIs(2001), "session durable"},
	{lockstore.NoToken{}, "none legacy"},
	{lockstore.OwnerIs("holder"), "held released session"},
	{lockstore.OwnerIs("Holder"), "durable"},
	{lockstore.OwnerIs("hold"), nowhere},
	{lockstore.Released{}, "released"},
	{lockstore.NotReleased{}, "none held legacy session durable"},
	{lockstore.ExpiredBefore(milli.Add(-time.Millisecond)), nowhere},
	{lockstore.ExpiredBefore(milli), nowhere}, // its last moment is the holder's
	{lockstore.ExpiredBefore(milli.Add(time.Millisecond)), "held"},
	{lockstore.ExpiredBefore(milli.AddDate(100, 0, 0)), "held"}, // a store has no clock of its own in this
	{lockstore.SessionIs("session"), "session"},
	{lockstore.SessionIs("Session"), nowhere},
	{lockstore.NoSession{}, "none held released legacy durable"},
	{lockstore.NoWaiterAt(0), everywhere},
	{lockstore.NoWaiterAt(7), everywhere},
	{lockstore.WaiterAt{Place: 0, ID: nonce1}, nowhere},
	{lockstore.WaiterAt{Place: 3, ID: nonce1}, nowhere},
	{lockstore.QueueSound{}, everywhere},
}

// One test wrong in one state lets two clients hold one lock.
func testConditions(r *rig) {
	for _, state := range states {
		r.sub(state.name, func(r *rig) {
			r.bothWays(func(actor, other lockstore.Store) {
				for _, c := range conditions {
					holds := slices.Contains(strings.Fields(c.holds), state.name)
					r.tryCondition(actor, other, lockstore.All(c.test), state.do, holds)
				}
			})
		})
	}
}

// tryCondition writes under the condition where do has been done before.
func (r *rig) tryCondition(actor, other lockstore.Store, c lockstore.Condition, do []lockstore.Change, holds bool) {
	r.Helper()
	key := r.key()
	var want *lockstore.Record
	if do != nil {
		r.build(other, key, do...)
		want = r.apply(nil, do...)
	}
	change := lockstore.SetOwner("changed")
	if holds {
		want = r.apply(want, change)
	}
	res := r.write(actor, key, lockstore.Write{If: c, Do: []lockstore.Change{change}})
	if res.Applied != holds {
		r.Errorf("%s: applied %v, want %v", showCondition(c), res.Applied, holds)
	}
	r.wantRecord(showCondition(c)+": the answer", res.Record, want)
	r.wantRecord(showCondition(c)+": a read after it", r.get(other, key), want)
}

// apply is what the reference makes of changes.
func (r *rig) apply(rec *lockstore.Record, do ...lockstore.Change) *lockstore.Record {
	r.Helper()
	next, err := lockstore.Write{Do: do}.Apply(rec)
	if err != nil {
		r.Fatal(err)
	}
	return next
}

func showCondition(c lockstore.Condition) string {
	var cases []string
	for _, tests := range c {
		var parts []string
		for _, t := range tests {
			parts = append(parts, value(t))
		}
		cases = append(cases, strings.Join(parts, " and "))
	}
	return strings.Join(cases, ", or ")
}

// Cases are or, tests within a case are and.
func testCombined(r *rig) {
	yes, no := lockstore.OwnerIs("holder"), lockstore.OwnerIs("nobody")
	held := states[1].do
	for _, tt := range []struct {
		c     lockstore.Condition
		holds bool
	}{
		{nil, true},
		{lockstore.All(yes, lockstore.SeqIs(3), lockstore.NotReleased{}), true},
		{lockstore.All(yes, no), false},
		{lockstore.All(no, yes), false},
		{lockstore.Any(lockstore.Case{no}, lockstore.Case{yes}), true},
		{lockstore.Any(lockstore.Case{yes}, lockstore.Case{no}), true},
		{lockstore.Any(lockstore.Case{no}, lockstore.Case{lockstore.Released{}}), false},
		{lockstore.Any(lockstore.Case{no, yes}, lockstore.Case{yes, no}), false}, // and binds closer
		{lockstore.Any(lockstore.Case{yes, no}, lockstore.Case{lockstore.NotReleased{}, yes}), true},
		{acquireIf(nonce1, milli.Add(time.Second)), false}, // mine already
		{acquireIf(nonce2, milli), false},
		{acquireIf(nonce2, milli.Add(time.Second)), true},
	} {
		r.bothWays(func(actor, other lockstore.Store) {
			r.tryCondition(actor, other, tt.c, held, tt.holds)
		})
	}
	r.bothWays(func(actor, other lockstore.Store) {
		r.tryCondition(actor, other, acquireIf(nonce2, milli), nil, true)
		r.tryCondition(actor, other, acquireIf(nonce2, milli), states[2].do, true)
	})
}

// acquireIf is the client's largest condition.
func acquireIf(mine lockstore.Nonce, now time.Time) lockstore.Condition {
	return lockstore.Any(
		lockstore.Case{lockstore.Absent{}},
		lockstore.Case{lockstore.NonceNot(mine), lockstore.Released{}, lockstore.NoWaiterAt(0)},
		lockstore.Case{lockstore.NonceNot(mine), lockstore.ExpiredBefore(now), lockstore.NoWaiterAt(0)},
	)
}

// The loser learns from its one request who won, and all about it.
func testFailedCondition(r *rig) {
	r.bothWays(func(actor, other lockstore.Store) {
		key := r.key()
		do, want := full()
		never := lockstore.All(lockstore.OwnerIs("nobody"))
		w := lockstore.Write{If: never, Do: do}
		r.wantStored(other, key, r.write(actor, key, w), false, nil)
		r.build(other, key, do...)
		w.Do = []lockstore.Change{lockstore.SetOwner("loser"), lockstore.NextSeq{}, lockstore.SetData{}}
		r.wantStored(other, key, r.write(actor, key, w), false, want)
		r.wantStored(other, key, r.write(actor, key, lockstore.Write{If: never, Delete: true}), false, want)
	})
}
