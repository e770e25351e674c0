package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// A fault is what befalls one request.
type fault struct {
	name  string
	takes time.Duration
}

// The faults of requests; in brackets, what the sender may conclude.
const (
	faultSlow     = "slow"        // delivered and answered later
	faultCut      = "cut"         // connection closed before the engine has it (unknown)
	faultLost     = "answer lost" // carried out, connection closed (unknown)
	faultTorn     = "answer torn" // carried out, half of the answer arrives (unknown)
	faultHole     = "black hole"  // swallowed: no answer until the sender gives up (unknown)
	faultLate     = "late"        // no answer, and carried out later (unknown)
	faultTwice    = "twice"       // carried out and answered, and a second copy later
	faultFailed   = "failed"      // HTTP 500, and carried out (unknown)
	faultRefused  = "refused"     // HTTP 500, and not carried out (unknown)
	faultThrottle = "throttled"   // not carried out
)

var faults = []string{
	faultSlow, faultCut, faultLost, faultTorn, faultHole, faultLate, faultTwice, faultFailed, faultRefused, faultThrottle,
}

// draw gives a fault to that share of requests.
func draw(rng *rand.Rand, share float64, repeats bool) fault {
	x, f := rng.Float64(), fault{faults[rng.IntN(len(faults))], between(rng, 0, 200*time.Millisecond)}
	long := between(rng, 0, 3*time.Second)
	if f.name == faultLate || f.name == faultTwice || rng.IntN(5) == 0 {
		f.takes = long
	}
	if x >= share || f.name == faultTwice && !repeats {
		return fault{}
	}
	return f
}

// meet gives what the sender gets; nil: nothing.
func (f fault) meet(p *proxy, r *http.Request, body []byte) *answer {
	switch f.name {
	case faultSlow:
		wait(p.life, f.takes/2)
		a := p.carry(r, body)
		wait(p.life, f.takes/2)
		return a
	case faultCut:
		return nil
	case faultLost:
		_ = p.carry(r, body)
		return nil
	case faultTorn:
		a := p.carry(r, body)
		if a != nil {
			// The length stays what it was, so that it is noticed.
			a.body, a.torn = a.body[:len(a.body)/2], true
		}
		return a
	case faultHole:
		wait(r.Context(), time.Minute)
		return nil
	case faultLate:
		p.later(f.takes, r, body)
		return nil
	case faultTwice:
		a := p.carry(r, body)
		p.later(f.takes, r, body)
		return a
	case faultFailed:
		_ = p.carry(r, body)
		return made(http.StatusInternalServerError, "InternalServerError")
	case faultRefused:
		return made(http.StatusInternalServerError, "InternalServerError")
	case faultThrottle:
		return made(http.StatusBadRequest, "ProvisionedThroughputExceededException")
	}
	return p.carry(r, body)
}

// later carries a request out after a while, whoever is there to know.
func (p *proxy) later(after time.Duration, r *http.Request, body []byte) {
	r = r.Clone(p.life)
	p.behind.Go(func() {
		wait(p.life, after)
		if p.life.Err() == nil {
			_ = p.carry(r, body)
		}
	})
}

// made is an answer in the form of DynamoDB's.
func made(status int, code string) *answer {
	return &answer{
		status: status, header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		body: fmt.Appendf(nil, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"made up"}`, code),
	}
}

// wait waits for a while, or until the context ends.
func wait(ctx interface{ Done() <-chan struct{} }, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
