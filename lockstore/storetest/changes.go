package storetest

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// changes lists what each change does to a record, whatever else is in it.
var changes = []struct {
	name   string
	change lockstore.Change
	effect func(*lockstore.Record)
}{
	{"SetOwner", lockstore.SetOwner("next"), func(r *lockstore.Record) { r.Owner = "next" }},
	{"SetNonce", lockstore.SetNonce(nonce2), func(r *lockstore.Record) { r.Nonce = nonce2 }},
	{"NextToken", lockstore.NextToken(500), func(r *lockstore.Record) {
		if r.Token == 0 {
			r.Token = 500 // the base counts only where there is no token
		}
		r.Token++
	}},
	{"SetToken", lockstore.SetToken(42), func(r *lockstore.Record) { r.Token = 42 }},
	{"SetSeq", lockstore.SetSeq(9), func(r *lockstore.Record) { r.Seq = 9 }},
	{"NextSeq", lockstore.NextSeq{}, func(r *lockstore.Record) { r.Seq++ }},
	{"SetLease", lockstore.SetLease(1500 * time.Millisecond), func(r *lockstore.Record) { r.Lease = 1500 * time.Millisecond }},
	{"SetLease removing", lockstore.SetLease(0), func(r *lockstore.Record) { r.Lease = 0 }},
	{"SetExpires", lockstore.SetExpires(milli.Add(time.Hour)), func(r *lockstore.Record) { r.Expires = milli.Add(time.Hour) }},
	{"SetExpires removing", lockstore.SetExpires{}, func(r *lockstore.Record) { r.Expires = time.Time{} }},
	{"SetTTL", lockstore.SetTTL(second), func(r *lockstore.Record) { r.TTL = second }},
	{"SetTTL removing", lockstore.SetTTL{}, func(r *lockstore.Record) { r.TTL = time.Time{} }},
	{"SetSince", lockstore.SetSince(second.Add(time.Second)), func(r *lockstore.Record) { r.Since = second.Add(time.Second) }},
	{"SetReleased", lockstore.SetReleased(true), func(r *lockstore.Record) { r.Released = true }},
	{"SetReleased false", lockstore.SetReleased(false), func(r *lockstore.Record) { r.Released = false }},
	{"SetDeleteOnRelease", lockstore.SetDeleteOnRelease(true), func(r *lockstore.Record) { r.DeleteOnRelease = true }},
	{"SetDeleteOnRelease false", lockstore.SetDeleteOnRelease(false), func(r *lockstore.Record) { r.DeleteOnRelease = false }},
	{"SetData", lockstore.SetData{Bytes: []byte("new")}, func(r *lockstore.Record) { r.Data, r.Sealed = []byte("new"), false }},
	{"SetData sealed", lockstore.SetData{Bytes: []byte("new"), Sealed: true}, func(r *lockstore.Record) { r.Data, r.Sealed = []byte("new"), true }},
	{"SetData empty", lockstore.SetData{Bytes: []byte{}}, func(r *lockstore.Record) { r.Data, r.Sealed = []byte{}, false }},
	{"SetData removing", lockstore.SetData{}, func(r *lockstore.Record) { r.Data, r.Sealed = nil, false }},
	{"SetSession", lockstore.SetSession("other"), func(r *lockstore.Record) { r.Session = "other" }},
	{"SetSession removing", lockstore.SetSession(""), func(r *lockstore.Record) { r.Session = "" }},
	{"SetLast", lockstore.SetLast{Nonce: nonce3, How: lockstore.HowForced, By: "operator"}, func(r *lockstore.Record) {
		r.Last = &lockstore.Last{Nonce: nonce3, How: lockstore.HowForced, By: "operator"}
	}},
	{"SetLast removing", lockstore.SetLast{}, func(r *lockstore.Record) { r.Last = nil }},
	{"SetHold", lockstore.SetHold(milli), func(r *lockstore.Record) { r.Hold = milli }},
	{"SetHold removing", lockstore.SetHold{}, func(r *lockstore.Record) { r.Hold = time.Time{} }},
	{"SetEnded", lockstore.SetEnded(true), func(r *lockstore.Record) { r.Ended = true }},
	{"SetEnded removing", lockstore.SetEnded(false), func(r *lockstore.Record) { r.Ended = false }},
	{"KeepQueue", lockstore.KeepQueue{}, func(*lockstore.Record) {}},
}

// Each change does what it says and leaves everything else as it was: a
// renewal must not lose the data, nor an update the lease.
func testChanges(r *rig) {
	for _, c := range changes {
		for name, state := range map[string]func() ([]lockstore.Change, *lockstore.Record){"full": full, "minimal": minimal} {
			r.Run(c.name+" on "+name, func(t *testing.T) {
				r := r.on(t)
				r.bothWays(func(actor, other lockstore.Store) {
					key := r.key()
					do, want := state()
					r.build(other, key, do...)
					c.effect(want)
					w := lockstore.Write{If: lockstore.All(lockstore.NonceIs(nonce1)), Do: []lockstore.Change{c.change}}
					r.wantStored(other, key, r.write(actor, key, w), true, want)
				})
			})
		}
	}
}

// Tokens are compared by whoever fences: all 63 bits are exact, which floating
// point numbers would not be.
func testBigNumbers(r *rig) {
	for _, n := range []int64{1<<53 + 1, math.MaxInt64 - 1} {
		key := r.key()
		r.build(r.stores[0], key, lockstore.SetOwner("o"), lockstore.SetToken(n), lockstore.SetSeq(n))
		want := &lockstore.Record{Owner: "o", Token: n, Seq: n}
		next := lockstore.Write{
			If: lockstore.All(lockstore.TokenIs(n-1), lockstore.SeqIs(n)),
			Do: []lockstore.Change{lockstore.NextToken(0), lockstore.NextSeq{}},
		}
		r.wantStored(r.stores[1], key, r.write(r.stores[1], key, next), false, want)
		next.If = lockstore.All(lockstore.TokenIs(n), lockstore.SeqIs(n))
		want.Token, want.Seq = n+1, n+1
		r.wantStored(r.stores[1], key, r.write(r.stores[0], key, next), true, want)
	}
}

// What is finer than the record keeps is cut off, never rounded up: the holder
// counts on an expiry no later than the one it wrote.
func testResolution(r *rig) {
	key := r.key()
	fine := second.Add(999*time.Millisecond + 999_999*time.Nanosecond).In(time.FixedZone("east", 9*3600))
	want := &lockstore.Record{
		Owner: "o", Since: second, TTL: second,
		Expires: second.Add(999 * time.Millisecond), Hold: second.Add(999 * time.Millisecond), Lease: 1234567 * time.Millisecond,
	}
	res := r.write(r.stores[0], key, lockstore.Write{Do: []lockstore.Change{
		lockstore.SetOwner("o"), lockstore.SetSince(fine), lockstore.SetTTL(fine),
		lockstore.SetExpires(fine), lockstore.SetHold(fine), lockstore.SetLease(1234567 * time.Millisecond),
	}})
	r.wantStored(r.stores[1], key, res, true, want)
}

// Data is bytes: no text, no trimming, and empty is not absent.
func testData(r *rig) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	big := bytes.Repeat(all, 300<<10/256)
	for name, data := range map[string][]byte{
		"none": nil, "empty": {}, "zero byte": {0}, "every byte": all, "not UTF-8": []byte("a\xc3"), "300 KB": big,
	} {
		r.sub(name, func(r *rig) {
			r.bothWays(func(actor, other lockstore.Store) {
				key := r.key()
				w := lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o"), lockstore.SetData{Bytes: data}}}
				want := &lockstore.Record{Owner: "o", Data: data}
				r.wantStored(other, key, r.write(actor, key, w), true, want)
				w.If = lockstore.All(lockstore.Absent{}) // the answer of a failed condition carries it too
				r.wantStored(other, key, r.write(actor, key, w), false, want)
			})
		})
	}
}

// A holder whose data does not fit is told so, and keeps what it had.
func testTooLarge(r *rig) {
	if r.h.TooLarge == 0 {
		return // no limit
	}
	tooLarge := lockstore.SetData{Bytes: make([]byte, r.h.TooLarge)}
	key := r.key()
	w := lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o"), tooLarge}}
	for _, want := range []*lockstore.Record{nil, {Owner: "o", Seq: 1, Data: []byte("small")}} {
		if want != nil {
			r.build(r.stores[0], key, lockstore.SetOwner("o"), lockstore.SetSeq(1), lockstore.SetData{Bytes: want.Data})
			w.Do = []lockstore.Change{lockstore.NextSeq{}, tooLarge}
		}
		res, err := r.try(r.stores[0], key, w)
		e, ok := errors.AsType[*lockstore.Error](err)
		if !ok || !errors.Is(err, lockstore.ErrDataTooLarge) || e.Unknown || res.Applied {
			r.Errorf("got %+v, %v; want ErrDataTooLarge, certainly not applied", res, err)
		}
		r.wantRecord("a read after it", r.get(r.stores[1], key), want)
	}
}

// Deleting is a compare-and-set like any other, and leaves nothing behind.
func testDelete(r *rig) {
	r.bothWays(func(actor, other lockstore.Store) {
		key := r.key()
		do, want := full()
		r.build(other, key, do...)
		w := lockstore.Write{If: lockstore.All(lockstore.NonceIs(nonce2)), Delete: true}
		r.wantStored(other, key, r.write(actor, key, w), false, want)
		w.If = lockstore.All(lockstore.NonceIs(nonce1), lockstore.NoWaiterAt(0))
		r.wantStored(other, key, r.write(actor, key, w), true, nil)
		r.wantStored(other, key, r.write(actor, key, w), false, nil)

		for _, c := range []lockstore.Condition{nil, lockstore.All(lockstore.Absent{})} {
			r.wantStored(other, key, r.write(actor, key, lockstore.Write{If: c, Delete: true}), true, nil)
		}
		do, want = minimal()
		r.wantStored(other, key, r.write(actor, key, lockstore.Write{Do: do}), true, want)
		r.wantStored(other, key, r.write(actor, key, lockstore.Write{Delete: true}), true, nil)
	})
}
