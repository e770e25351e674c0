package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// foreignTest and foreignChange are types that no store can know.
type (
	foreignTest   struct{ lockstore.Test }
	foreignChange struct{ lockstore.Change }
)

// A store of an older version must not leave out what it does not understand:
// a test left out is a condition that holds too often.
func testForeign(r *rig) {
	owner := lockstore.SetOwner("foreign")
	for name, w := range map[string]lockstore.Write{
		"test":            {If: lockstore.All(foreignTest{}), Do: []lockstore.Change{owner}},
		"test of delete":  {If: lockstore.All(foreignTest{}), Delete: true},
		"test among many": {If: lockstore.All(lockstore.Exists{}, foreignTest{}), Do: []lockstore.Change{owner}},
		"nil test":        {If: lockstore.All(nil), Do: []lockstore.Change{owner}},
		"change":          {Do: []lockstore.Change{foreignChange{}}},
		"change of many":  {Do: []lockstore.Change{owner, foreignChange{}, lockstore.SetSeq(7)}},
		"nil change":      {Do: []lockstore.Change{owner, nil}},
	} {
		r.sub(name, func(r *rig) {
			key := r.key()
			do, want := full()
			r.build(r.stores[0], key, do...)
			res, err := r.stores[0].Write(r.Context(), key, w)
			if err == nil || res.Applied {
				r.Errorf("got %+v, %v; want an error", res, err)
			}
			if e, ok := errors.AsType[*lockstore.Error](err); ok && e.Unknown {
				r.Errorf("%v says that it may have been applied", err)
			}
			r.wantRecord("a read after it", r.get(r.stores[1], key), want)
		})
	}
}

// Answers belong to the caller, and so do a write's bytes after the call.
func testAliasing(r *rig) {
	key := r.key()
	data := []byte("payload")
	last := lockstore.Last{Nonce: nonce2, How: lockstore.HowForced, By: "operator"}
	do, want := minimal()
	do = append(do, lockstore.SetData{Bytes: data}, lockstore.SetLast(last))
	want.Data, want.Last = []byte("payload"), &last
	spoil := func(rec *lockstore.Record) {
		rec.Owner, rec.Seq, rec.Last.By = "spoilt", -1, "spoilt"
		clear(rec.Data)
	}
	s := r.stores[0]
	spoil(r.write(s, key, lockstore.Write{Do: do}).Record)
	clear(data)
	r.wantRecord("after spoiling a write's record and bytes", r.get(s, key), want)
	spoil(r.get(s, key))
	r.wantRecord("after spoiling a read's record", r.get(s, key), want)
	spoil(r.write(s, key, lockstore.Write{If: lockstore.All(lockstore.Absent{})}).Record)
	r.wantRecord("after spoiling a failed condition's record", r.get(s, key), want)
	for _, item := range r.scanAll(s, lockstore.Query{Prefix: key, Consistent: true}) {
		if item.Key == key {
			spoil(item.Record)
		}
	}
	r.wantRecord("after spoiling a scan's record", r.get(s, key), want)
}

// A call that was over before it began has certainly done nothing, and says so.
func testEnded(r *rig) {
	for cause, ctx := range r.ended() {
		r.bothWays(func(actor, other lockstore.Store) {
			key := r.key()
			start := time.Now()
			_, err := actor.Get(ctx, key, lockstore.Consistent)
			r.wantEnded("get", err, cause)
			_, err = actor.Scan(ctx, lockstore.Query{})
			r.wantEnded("scan", err, cause)
			res, err := actor.Write(ctx, key, lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o")}})
			if e := r.wantEnded("write", err, cause); e.Unknown || res.Applied {
				r.Errorf("write: got %+v, %v; it was never sent", res, err)
			}
			if took := time.Since(start); took > time.Second {
				r.Errorf("three calls that were over already took %v", took)
			}
			r.wantRecord("a read after it", r.get(other, key), nil)
		})
	}
}

// A call that ends midway returns at once, and never calls a write undone that
// was done: the client would not look for it, and nobody would release it.
func testCancelled(r *rig) {
	certain := map[string]error{}
	for i := range 40 {
		key := r.key()
		timeout := time.Duration(rand.Int64N(int64(2 * time.Millisecond)))
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		start := time.Now()
		_, err := r.stores[i%2].Write(ctx, key, lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o")}})
		if took := time.Since(start); took > timeout+5*time.Second {
			r.Errorf("with %v left the call took %v", timeout, took)
		}
		cancel()
		if err == nil {
			certain[key] = nil
		} else if e := r.wantEnded("write", err, context.DeadlineExceeded); !e.Unknown {
			certain[key] = err
		}
	}
	time.Sleep(100 * time.Millisecond) // real time: for what is still on its way
	for key, err := range certain {
		if rec := r.get(r.stores[0], key); (rec != nil) != (err == nil) {
			r.Errorf("the call returned %v, the store has %s", err, show(rec))
		}
	}
}

// From these times clients conclude that a lease is over. One that is wrong
// takes a lock from a living holder.
func testTime(r *rig) {
	key := r.key()
	s := r.stores
	never := lockstore.All(lockstore.OwnerIs("nobody"))
	calls := []struct {
		name string
		call func() (lockstore.TimeBounds, error)
	}{
		{"write", func() (lockstore.TimeBounds, error) {
			res, err := s[0].Write(r.Context(), key, lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o")}})
			return res.Time, err
		}},
		{"failed condition", func() (lockstore.TimeBounds, error) {
			res, err := s[1].Write(r.Context(), key, lockstore.Write{If: never, Delete: true})
			return res.Time, err
		}},
		{"get", func() (lockstore.TimeBounds, error) {
			res, err := s[0].Get(r.Context(), key, lockstore.Eventual)
			return res.Time, err
		}},
		{"scan", func() (lockstore.TimeBounds, error) {
			page, err := s[1].Scan(r.Context(), lockstore.Query{Limit: 1})
			return page.Time, err
		}},
	}
	var last lockstore.TimeBounds
	for range 10 {
		for _, c := range calls {
			before := time.Now()
			b, err := c.call()
			if err != nil {
				r.Fatalf("%s: %v", c.name, err)
			}
			r.wantTime(c.name, b, last, before, time.Now())
			last = b
		}
	}
}

// wantTime checks the time of an answer to a call from before to after, where
// last was the answer to the one before.
func (r *rig) wantTime(what string, b, last lockstore.TimeBounds, before, after time.Time) {
	r.Helper()
	tolerance := r.h.TimeTolerance
	switch {
	case b.Known() != r.h.HasTime:
		r.Errorf("%s: time told: %v, declared: %v", what, b.Known(), r.h.HasTime)
	case !r.h.HasTime:
	case b.Earliest.After(b.Latest):
		r.Errorf("%s: earliest %v is after latest %v", what, b.Earliest, b.Latest)
	case b.Latest.Add(tolerance).Before(before.Round(0)) || b.Earliest.Add(-tolerance).After(after.Round(0)):
		r.Errorf("%s: [%v, %v] is not near the call, from %v to %v", what, b.Earliest, b.Latest, before, after)
	case b.Latest.Add(tolerance).Before(last.Earliest):
		r.Errorf("%s: latest %v is before the earliest %v of the answer before", what, b.Latest, last.Earliest)
	}
}
