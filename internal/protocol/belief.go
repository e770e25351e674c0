package protocol

import (
	"math"
	"time"
)

// Forever is what is left of a tenure without an end.
const Forever = time.Duration(math.MaxInt64)

// A Belief is why a holder may believe that it holds: a write that was
// confirmed, and what it promised. It is small, and always less than what the
// store was told.
type Belief struct {
	Sent    Moment        // read before the write was sent
	Lease   time.Duration // what the write promised; 0: no end
	Expires time.Time     // the end that it wrote, in the store's time; zero: none
}

// Left is how much longer the belief lasts, by whichever of three clocks is
// the furthest: the monotonic one, the wall clock, and the latest that the
// store's can show. The third also covers a local clock that was wrong when
// the write was made. 0 or less: it has ended.
func (b Belief) Left(now Moment, bounds *Bounds) time.Duration {
	if b.Lease == 0 {
		return Forever
	}
	left := b.Lease - now.most(b.Sent)
	if !b.Expires.IsZero() && bounds.Known() {
		// The store's clock may run faster than the local ones from here on.
		inStore := b.Expires.Sub(bounds.Latest(now))
		left = min(left, inStore-drift(inStore))
	}
	return left
}
