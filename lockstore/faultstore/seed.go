package faultstore

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Rates are the shares of requests that meet each fault, from 0 to 1; together
// at most 1, Stale aside.
type Rates struct {
	Cut      float64 // ApplyCut
	Fail     float64 // Apply500
	Refuse   float64 // Refuse500
	Throttle float64
	Hold     float64
	Delay    float64
	Late     float64 // writes only
	Repeat   float64 // writes only
	Stale    float64 // of the eventually consistent reads

	// MaxDelay bounds the times of the faults that have one; default 1 s.
	MaxDelay time.Duration
	// MaxStale bounds how many writes old a stale read is; default 3.
	MaxStale int
}

// Seed makes requests that no rule takes meet faults at random. What the n-th
// request of one kind on one key meets depends on seed alone, so that a run is
// repeated as far as the requests of each key come in the same order. Rates{}
// ends it.
func (s *Store) Seed(seed uint64, rates Rates) {
	if rates.MaxDelay <= 0 {
		rates.MaxDelay = time.Second
	}
	if rates.MaxStale <= 0 {
		rates.MaxStale = 3
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.random = &random{seed: seed, rates: rates, count: map[string]uint64{}}
}

type random struct {
	seed  uint64
	rates Rates
	count map[string]uint64 // requests so far, by kind and key
}

// faults needs the store's mu. It may be called on nil.
func (r *random) faults(req request) []Fault {
	if r == nil {
		return nil
	}
	who := req.op.String() + " " + req.key
	r.count[who]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", r.count[who], who)
	rng := rand.New(rand.NewPCG(r.seed, h.Sum64()))

	// Drawn always and in this order, so that one rate does not change what
	// the others do.
	x, isStale := rng.Float64(), rng.Float64() < r.rates.Stale
	d, n := time.Duration(rng.Int64N(int64(r.rates.MaxDelay)))+1, 1+rng.IntN(r.rates.MaxStale)
	var met []Fault
	if isStale && eventual(req) {
		met = append(met, StaleReads(n))
	}
	if f, ok := r.rates.choose(x, d, req.op == OpWrite); ok {
		met = append(met, f)
	}
	return met
}

// choose finds the fault in whose share x lies.
func (r Rates) choose(x float64, d time.Duration, write bool) (Fault, bool) {
	for _, share := range []struct {
		rate      float64
		fault     Fault
		writeOnly bool
	}{
		{r.Cut, ApplyCut(), false},
		{r.Fail, Apply500(), false},
		{r.Refuse, Refuse500(), false},
		{r.Throttle, Throttle(), false},
		{r.Hold, Hold(d), false},
		{r.Delay, Delay(d), false},
		{r.Late, Late(d), true},
		{r.Repeat, Repeat(d), true},
	} {
		if x < share.rate {
			return share.fault, write || !share.writeOnly
		}
		x -= share.rate
	}
	return Fault{}, false
}
