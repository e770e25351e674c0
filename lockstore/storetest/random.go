package storetest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// What no table above thought of: random writes, in lockstep with what
// lockstore says they mean.
func testRandom(r *rig) {
	seed := r.h.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	r.Logf("Harness.Seed %d repeats this", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	names := []string{r.key(), r.key(), r.key()}
	model := map[string]*lockstore.Record{}
	applied := 0
	for step := range 400 {
		key, s := pick(g, names...), r.stores[g.IntN(2)]
		before := model[key]
		w := g.write(before)
		holds, err := w.If.Holds(before)
		want := before
		if err == nil && holds {
			want, err = w.Apply(before)
			applied++
		}
		if err != nil {
			r.Fatalf("step %d: the reference: %v", step, err)
		}
		res, err := r.try(s, key, w)
		if err != nil {
			r.Fatalf("step %d: %s: %v", step, showWrite(w), err)
		}
		d := diff(res.Record, want)
		if d == "" && step%5 == 0 {
			d = diff(r.get(r.stores[g.IntN(2)], key), want)
		}
		if d != "" || res.Applied != holds {
			r.Fatalf("step %d: %s\non %q:\napplied %v, want %v; %s", step, showWrite(w), fmt.Sprintf("%+v", before), res.Applied, holds, d)
		}
		model[key] = want
	}
	if applied < 50 || applied > 350 {
		r.Errorf("%d of 400 conditions held: the generator is of no use", applied)
	}
}

func showWrite(w lockstore.Write) string {
	do := "delete"
	if !w.Delete {
		do = ""
		for _, c := range w.Do {
			do += " " + value(c)
		}
	}
	return "if " + showCondition(w.If) + ":" + do
}

// A generator makes writes whose conditions hold about every second time. It
// keeps to what clients do: a new record has an owner, NextSeq has a seq to go
// from, and a test never compares with an absent value.
type generator struct{ *rand.Rand }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) write(before *lockstore.Record) lockstore.Write {
	w := lockstore.Write{If: g.condition()}
	if g.IntN(12) == 0 {
		w.Delete = true
		return w
	}
	for _, change := range g.changes(before) {
		if _, owner := change.(lockstore.SetOwner); owner && before == nil || g.IntN(3) == 0 {
			w.Do = append(w.Do, change)
		}
	}
	g.Shuffle(len(w.Do), func(i, j int) { w.Do[i], w.Do[j] = w.Do[j], w.Do[i] })
	return w
}

func (g *generator) condition() lockstore.Condition {
	var c lockstore.Condition
	for range g.IntN(4) {
		var tests lockstore.Case
		for range 1 + g.IntN(2) {
			tests = append(tests, g.test())
		}
		c = append(c, tests)
	}
	return c
}

// Few values, so that they meet often.
func (g *generator) nonce() lockstore.Nonce { return pick(g, nonce1, nonce2, nonce3) }
func (g *generator) name() string           { return pick(g, "n", "N", "n ", "é") }
func (g *generator) number() int64          { return 1 + g.Int64N(4) }
func (g *generator) time() time.Time {
	return milli.Add(time.Duration(g.IntN(4)) * time.Millisecond)
}

func (g *generator) lease() time.Duration { return time.Duration(g.IntN(3)) * 700 * time.Millisecond }

func (g *generator) test() lockstore.Test {
	return pick[lockstore.Test](g,
		lockstore.Absent{}, lockstore.Exists{}, lockstore.NonceIs(g.nonce()), lockstore.NonceNot(g.nonce()),
		lockstore.NoNonce{}, lockstore.SeqIs(g.number()), lockstore.TokenIs(g.number()), lockstore.NoToken{},
		lockstore.OwnerIs(g.name()), lockstore.Released{}, lockstore.NotReleased{}, lockstore.ExpiredBefore(g.time()),
		lockstore.SessionIs(g.name()), lockstore.NoSession{}, lockstore.NoWaiterAt(g.IntN(3)),
		lockstore.WaiterAt{Place: g.IntN(3), ID: g.nonce()}, lockstore.QueueSound{},
		lockstore.NotQueued(g.nonce()),
	)
}

// changes has one for each attribute.
func (g *generator) changes(before *lockstore.Record) []lockstore.Change {
	maybe := func(t time.Time) time.Time { return pick(g, t, t, time.Time{}) }
	seq := lockstore.Change(lockstore.SetSeq(g.number()))
	if before != nil && before.Seq != 0 {
		seq = pick[lockstore.Change](g, seq, lockstore.NextSeq{})
	}
	bytes := pick(g, nil, []byte{}, []byte{0}, []byte("data"))
	return []lockstore.Change{
		lockstore.SetOwner(g.name()), lockstore.SetNonce(g.nonce()), seq,
		pick[lockstore.Change](g, lockstore.NextToken(g.number()), lockstore.SetToken(g.number())),
		lockstore.SetLease(g.lease()), lockstore.SetExpires(maybe(g.time())), lockstore.SetTTL(maybe(second)),
		lockstore.SetSince(second), lockstore.SetReleased(g.IntN(2) == 0), lockstore.SetDeleteOnRelease(g.IntN(2) == 0),
		lockstore.SetData{Bytes: bytes, Sealed: bytes != nil && g.IntN(2) == 0},
		lockstore.SetSession(pick(g, "", g.name())),
		lockstore.SetLast(pick(g, lockstore.Last{}, lockstore.Last{Nonce: g.nonce(), How: lockstore.HowForced, By: g.name()})),
		lockstore.SetHold(maybe(g.time())), lockstore.SetEnded(g.IntN(2) == 0), g.queue(before),
	}
}

func (g *generator) queue(before *lockstore.Record) lockstore.Change {
	add := lockstore.AddWaiter{ID: g.nonce(), Owner: g.name(), DeleteOnRelease: g.IntN(2) == 0}
	switch {
	case before == nil || before.Queue == nil: // there must be a queue to drop from
		return pick[lockstore.Change](g, lockstore.KeepQueue{}, add)
	case len(before.Queue) > 4:
		return lockstore.DropWaiters(g.IntN(4))
	}
	return pick[lockstore.Change](g, lockstore.KeepQueue{}, add, add, lockstore.DropWaiterAt(g.IntN(3)), lockstore.DropWaiters(g.IntN(4)))
}
