package protocol

import "time"

// Base is what the first fencing token of a new record is counted from: the
// local wall clock in microseconds, kept within what the store's clock can
// show, so that tokens go on rising when an item was deleted; and never below
// the last token that this client saw under the key.
//
// Clocks cannot promise that: two clients may differ by the error of their
// clocks. Whoever fences keeps the item (docs/protocol.md, "Fencing").
func Base(now Moment, bounds *Bounds, last int64) int64 {
	earliest, latest := bounds.Around(now)
	wall := earlierOf(laterOf(now.Wall, earliest), latest)
	if wall.Before(time.Unix(0, 0)) {
		wall = time.Unix(0, 0)
	}
	// NextToken adds one, and a base of 0 would not be stored.
	return max(wall.UnixMicro(), last, 1)
}
