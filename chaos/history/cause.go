package history

import (
	"fmt"
	"slices"
	"time"
)

// leftBehind is how long after its answer a call of unknown outcome, or a
// waiter that gave up, may still have a hand in the lock: late copies, a grant
// that is released behind the call.
const leftBehind = int64(10 * time.Second)

// Causes explains each takeover and each loss by what the logs show; what has
// no cause is a finding. The counts are by cause.
func (h *History) Causes(o Options) (takeovers, losses map[string]int, found []Finding) {
	takeovers, losses = map[string]int{}, map[string]int{}
	for _, k := range h.sorted() {
		for i, t := range k.tenures {
			if t.TookOver {
				why := h.whyTaken(k, i, o)
				if why == "" && !o.Deleting(k.key) {
					found = append(found, Finding{k.key, t.Got, fmt.Sprintf("%v took over, and nothing explains it", t)})
				}
				takeovers[why]++
			}
			for _, lost := range t.Lost {
				why := h.whyLost(t, lost, o)
				if why == "" {
					found = append(found, Finding{k.key, lost.At, fmt.Sprintf("%v was lost (%s %s), and nothing explains it", t, lost.Reason, lost.Error)})
				}
				losses[why]++
			}
		}
	}
	return takeovers, losses, found
}

// whyTaken explains a takeover by the end of the tenure before, or by a tenure
// between them that nobody got a handle to.
func (h *History) whyTaken(k *keyHistory, i int, o Options) string {
	t := k.tenures[i]
	from := int64(0)
	if i > 0 {
		before := k.tenures[i-1]
		if why := h.whyEnded(before, t.Got); why != "" {
			return why
		}
		from = before.ends()
	}
	if h.unknownBetween(k, from, t) {
		return "a call of unknown outcome had taken it"
	}
	if h.repeatedBetween(k, from, t, o) {
		return "a request that was carried out twice had taken it"
	}
	return ""
}

// whyEnded explains why a tenure lapsed; "" if it was released, or nothing
// shows that it could not be renewed.
func (h *History) whyEnded(t *Tenure, before int64) string {
	if t.released != 0 && t.released <= before && !t.kept {
		return ""
	}
	if t.giveUp == 0 || t.giveUp > t.Promise {
		if !t.Live {
			return "its lease, which nothing renewed, had ended"
		}
		for _, lost := range t.Lost {
			if lost.Reason == "held too long" {
				return "it had been held too long"
			}
		}
	}
	if why := h.befell(t, before); why != "" {
		return why
	}
	switch {
	case t.giveUp != 0 && t.giveUp <= before && t.released == 0:
		return "its release was not answered"
	case t.kept:
		return "it was released, and kept by HoldAtLeast"
	case t.Gap > t.Lease/4:
		return "its process stood still by itself"
	}
	return ""
}

// unknownBetween reports a call that may have taken the lock after from, and
// before t, without anybody getting a handle to it.
func (h *History) unknownBetween(k *keyHistory, from int64, t *Tenure) bool {
	for _, c := range k.calls {
		began := (c.Op == Acquire || c.Op == Resume) && c.At <= t.Got
		nobodys := c.outcome() == Unknown || c.outcome() == Refused && c.Waits
		if !began || !nobodys {
			continue
		}
		over := c.returned()
		if kill := h.life(c.Process).killed; c.end == nil && kill != 0 {
			over = kill
		}
		if over == never || over+leftBehind+c.Lease >= from {
			return true
		}
	}
	return false
}

// lateCopy is how much later the second copy of a request may come.
const lateCopy = int64(3 * time.Second)

// repeatedBetween reports an acquire that was answered and may have been carried
// out a second time after from, and before t: nobody can know of what that began
// (docs/bugs.md, "What is left out").
func (h *History) repeatedBetween(k *keyHistory, from int64, t *Tenure, o Options) bool {
	return slices.ContainsFunc(k.calls, func(c *call) bool {
		if c.Op != Acquire || c.outcome() != OK || c.At > t.Got || c.returned()+lateCopy < from {
			return false
		}
		return o.Repeats || slices.ContainsFunc(h.life(c.Process).faults, func(f span) bool {
			return f.what == "twice" && f.from >= c.At && f.from <= c.returned()
		})
	})
}

// whyLost explains why a handle ended that was not released.
func (h *History) whyLost(t *Tenure, lost Event, o Options) string {
	switch {
	case o.Named || lost.Reason == "held too long":
		return lost.Reason
	case lost.Reason != "expired" && lost.Reason != "taken over":
		return "" // nobody may do that to it
	}
	if !t.Live {
		return "its lease, which nothing renewed, had ended"
	}
	if why := h.befell(t, lost.At); why != "" {
		return why
	}
	if t.Gap > t.Lease/4 {
		return "its process stood still by itself"
	}
	return ""
}
