package dynamostore_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Random records, queues and all, that are put beside the store, and random
// writes on them: the engine has to say what lockstore says.
func TestDifferential(t *testing.T) {
	r := newRig(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	applied := 0
	const steps = 1000
	for step := range steps {
		key := fmt.Sprint("k", step)
		before := g.record()
		own := attributes{}
		if before != nil {
			own = g.own()
			it := encode(key, before)
			maps.Copy(it, own)
			r.put(it)
		}
		w := g.write(before)
		holds, err := w.If.Holds(before)
		want := before
		if holds && err == nil {
			applied++
			want, err = w.Apply(before)
		}
		if err != nil {
			t.Fatalf("step %d: the reference: %v", step, err)
		}
		res := r.write(key, w)
		if res.Applied != holds || !reflect.DeepEqual(res.Record, want) {
			t.Fatalf("step %d: %#v\non  %+v:\napplied %v, want %v\ngot  %+v\nwant %+v", step, w, before, res.Applied, holds, res.Record, want)
		}
		r.wantItem(key, want, own)
	}
	if applied < steps/4 || applied > steps*3/4 {
		t.Errorf("%d of %d conditions held: the generator is of no use", applied, steps)
	}
}

// wantItem checks that the item is there exactly if there is a record, with
// the user's own attributes untouched.
func (r *rig) wantItem(key string, want *lockstore.Record, own attributes) {
	r.Helper()
	it := r.item(key)
	if (it == nil) != (want == nil) {
		r.Fatalf("%q: the item is %v, the record %+v", key, it, want)
	}
	if want == nil {
		return
	}
	for name, v := range own {
		if !reflect.DeepEqual(it[name], v) {
			r.Fatalf("%q: the user's %q became %#v", key, name, it[name])
		}
	}
}

// encode is the format as docs/format.md tells it, written a second time.
func encode(key string, rec *lockstore.Record) attributes {
	it := attributes{"key": text(key), "isReleased": boolean(rec.Released), "deleteOnRelease": boolean(rec.DeleteOnRelease)}
	for name, s := range map[string]string{"owner": rec.Owner, "session": rec.Session} {
		if s != "" {
			it[name] = text(s)
		}
	}
	for name, n := range map[string]int64{
		"token": rec.Token, "seq": rec.Seq, "lease": rec.Lease.Milliseconds(), "revoked": rec.Revoked,
		"timestamp": seconds(rec.Since), "ttl": seconds(rec.TTL), "expires": millis(rec.Expires), "hold": millis(rec.Hold),
	} {
		if n != 0 {
			it[name] = number(strconv.FormatInt(n, 10))
		}
	}
	if rec.Nonce != "" {
		it["nonce"] = binary(string(rec.Nonce))
	}
	if rec.Ended {
		it["ended"] = boolean(true)
	}
	if rec.Data != nil {
		it["data"] = binary(string(rec.Data))
	}
	if rec.Sealed {
		it["enc"] = number("1")
	}
	if rec.Last != nil {
		it["last"] = object(attributes{"nonce": binary(string(rec.Last.Nonce)), "how": text(string(rec.Last.How)), "by": text(rec.Last.By)})
	}
	if rec.Queue != nil {
		queue := make([]types.AttributeValue, 0, len(rec.Queue))
		for _, w := range rec.Queue {
			queue = append(queue, object(attributes{
				"id": binary(string(w.ID)), "owner": text(w.Owner), "held": boolean(false), "n": number("1"), "del": boolean(w.DeleteOnRelease),
			}))
		}
		it["queue"] = list(queue...)
	}
	return it
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// A generator uses few values, so that they meet often.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) nonce() lockstore.Nonce { return pick(g, nonce1, nonce2) }
func (g generator) name() string           { return pick(g, "n", "N", "n\ufffd", "a\x00b") }
func (g generator) number() int64          { return pick[int64](g, 1, 2, 10, 1<<53+1) }
func (g generator) lease() time.Duration   { return pick[time.Duration](g, 0, time.Second, 1) }
func (g generator) yes() bool              { return g.IntN(2) == 0 }

func (g generator) time() time.Time {
	t := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC).Add(time.Duration(g.IntN(3)) * 499999 * time.Microsecond)
	return pick(g, t, t, t, time.Time{})
}

func (g generator) record() *lockstore.Record {
	if g.IntN(5) == 0 {
		return nil
	}
	rec := &lockstore.Record{
		Owner: g.name(), Nonce: pick(g, g.nonce(), ""), Token: pick(g, 0, g.number()), Seq: pick(g, 0, g.number()),
		Since: g.time().Truncate(time.Second), Lease: pick(g, 0, time.Second, time.Millisecond), Expires: g.time().Truncate(time.Millisecond),
		TTL: g.time().Truncate(time.Second), Released: g.yes(), DeleteOnRelease: g.yes(), Hold: g.time().Truncate(time.Millisecond),
		Ended: g.yes(), Data: pick(g, nil, []byte{}, []byte("data")), Sealed: g.yes(), Session: pick(g, "", g.name()), Revoked: pick(g, 0, g.number()),
	}
	if g.yes() {
		rec.Last = &lockstore.Last{Nonce: g.nonce(), How: lockstore.HowTakenOver, By: g.name()}
	}
	if g.yes() {
		rec.Queue = []lockstore.Waiter{}
		for range g.IntN(3) {
			rec.Queue = append(rec.Queue, lockstore.Waiter{ID: g.nonce(), Owner: g.name(), DeleteOnRelease: g.yes()})
		}
	}
	return rec
}

// own are attributes that users add to their locks.
func (g generator) own() attributes {
	return attributes{
		"color": text(g.name()), "Owner": number("-1.5"), "queue.0": boolean(true), "#no": binary("x"),
		"nested": object(attributes{"nonce": list(text("a"), number("2"))}),
	}
}

func (g generator) write(before *lockstore.Record) lockstore.Write {
	w := lockstore.Write{If: g.condition()}
	if g.IntN(8) == 0 {
		w.Delete = true
		return w
	}
	for _, change := range g.changes() {
		if _, owner := change.(lockstore.SetOwner); owner && before == nil || g.IntN(3) == 0 {
			w.Do = append(w.Do, change)
		}
	}
	g.Shuffle(len(w.Do), func(i, j int) { w.Do[i], w.Do[j] = w.Do[j], w.Do[i] })
	return w
}

func (g generator) condition() lockstore.Condition {
	var c lockstore.Condition
	for range g.IntN(4) {
		var tests lockstore.Case
		for range pick(g, 0, 1, 1, 1, 1, 2, 2, 3) {
			tests = append(tests, g.test())
		}
		c = append(c, tests)
	}
	return c
}

func (g generator) test() lockstore.Test {
	return pick[lockstore.Test](g,
		lockstore.Absent{}, lockstore.Exists{}, lockstore.NonceIs(pick(g, g.nonce(), "")), lockstore.NonceNot(pick(g, g.nonce(), "")),
		lockstore.NoNonce{}, lockstore.SeqIs(pick(g, 0, g.number())), lockstore.TokenIs(pick(g, 0, g.number())), lockstore.NoToken{},
		lockstore.OwnerIs(pick(g, g.name(), "", "n\xff")), lockstore.Released{}, lockstore.NotReleased{}, lockstore.ExpiredBefore(g.time()),
		lockstore.SessionIs(pick(g, g.name(), "", "N\xff")), lockstore.NoSession{}, lockstore.NoWaiterAt(g.IntN(3)),
		lockstore.WaiterAt{Place: g.IntN(3), ID: g.nonce()}, lockstore.QueueSound{},
	)
}

// changes has one for each attribute that writes reach.
func (g generator) changes() []lockstore.Change {
	bytes := pick(g, nil, []byte{}, []byte("new"))
	return []lockstore.Change{
		lockstore.SetOwner(g.name()), lockstore.SetNonce(g.nonce()),
		pick[lockstore.Change](g, lockstore.SetSeq(g.number()), lockstore.NextSeq{}, lockstore.SetSeq(0)),
		pick[lockstore.Change](g, lockstore.NextToken(g.number()), lockstore.SetToken(g.number()), lockstore.NextToken(0)),
		lockstore.SetLease(g.lease()), lockstore.SetExpires(g.time()), lockstore.SetTTL(g.time()), lockstore.SetSince(g.time()),
		lockstore.SetReleased(g.yes()), lockstore.SetDeleteOnRelease(g.yes()), lockstore.SetData{Bytes: bytes, Sealed: g.yes()},
		lockstore.SetSession(pick(g, "", g.name())), lockstore.SetHold(g.time()), lockstore.SetEnded(g.yes()), lockstore.KeepQueue{},
		lockstore.SetLast(pick(g, lockstore.Last{}, lockstore.Last{Nonce: g.nonce(), How: lockstore.HowForced}, lockstore.Last{By: g.name()})),
	}
}
