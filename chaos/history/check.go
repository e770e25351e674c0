package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Options say what a run allows.
type Options struct {
	// Named: the run used named exceptions (force, release and resume by the
	// owner's name while a handle lives, deletion by hand). A former handle may
	// then believe until Pardon after the exception, and longer than it is
	// nobody's.
	Named bool
	// Repeats: requests may be carried out twice and no log shows which.
	Repeats bool
	// Deleting reports keys whose locks are deleted on release, so that the
	// order of their tokens is a clock's.
	Deleting func(key string) bool
}

// A Finding is something that should not be.
type Finding struct {
	Key  string
	At   int64
	What string
}

func (f Finding) String() string { return f.Key + ": " + f.What }

// Overlaps finds tenures of one key of which two were believed in at the same
// moment.
func (h *History) Overlaps(o Options) (found []Finding) {
	for _, k := range h.sorted() {
		proved := slices.DeleteFunc(slices.Clone(k.tenures), func(t *Tenure) bool { return t.First == 0 })
		slices.SortFunc(proved, func(a, b *Tenure) int { return cmp.Compare(a.First, b.First) })
		var last *Tenure // of those before, the one that was believed in for longest
		for _, t := range proved {
			if last != nil && t.First <= last.Last && !(o.Named && h.pardons(last, t)) {
				found = append(found, Finding{k.key, t.First, fmt.Sprintf("two believe for %v: %v and %v",
					time.Duration(min(last.Last, t.Last)-t.First), last, t)})
			}
			if last == nil || t.Last > last.Last {
				last = t
			}
		}
	}
	return found
}

// pardons reports whether a named exception ended a in time: under a session a
// former handle may believe for two leases and the time that the marks take,
// or until it hears of it where requests meet faults.
func (h *History) pardons(a, b *Tenure) bool {
	const slack = 1e9
	for _, c := range h.of(a.Key).calls {
		if !exception(c) || c.At > b.Got {
			continue
		}
		if c.outcome() == Unknown || a.Last <= c.returned()+2*a.Lease+slack {
			return true
		}
	}
	return false
}

func exception(c *call) bool {
	return slices.Contains([]string{Force, Delete, ReleaseKey, Resume}, c.Op) && c.outcome() != Free && c.outcome() != Refused
}

// Promises finds tenures that began before the one before had to end.
func (h *History) Promises(o Options) (found []Finding) {
	if o.Named {
		return nil
	}
	for _, k := range h.sorted() {
		if o.Deleting(k.key) {
			continue
		}
		for i, t := range k.tenures {
			for _, before := range k.tenures[:i] {
				if early := before.ends() - t.Got; early > 0 && !k.byName(before, t) {
					found = append(found, Finding{k.key, t.Got, fmt.Sprintf("%v began %v before the end that was promised to %v",
						t, time.Duration(early), before)})
				}
			}
		}
	}
	return found
}

// byName reports whether the tenure's owner ended it by name, in a later
// process, before the other one began.
func (k *keyHistory) byName(t, next *Tenure) bool {
	if next.Op == Resume && next.Owner == t.Owner {
		return true
	}
	return slices.ContainsFunc(k.calls, func(c *call) bool {
		return (c.Op == ReleaseKey || c.Op == Resume) && c.Owner == t.Owner && c.At <= next.Got && c.returned() >= t.Asked
	})
}

// Tokens finds tenures whose tokens are not in the order of their beginnings.
func (h *History) Tokens(o Options) (found []Finding) {
	for _, k := range h.sorted() {
		if o.Deleting(k.key) {
			continue
		}
		began := slices.Clone(k.tenures)
		slices.SortFunc(began, func(a, b *Tenure) int { return cmp.Compare(a.Asked, b.Asked) })
		for i, t := range k.tenures {
			if i > 0 && k.tenures[i-1].Token == t.Token {
				found = append(found, Finding{k.key, t.Got, fmt.Sprintf("one token for %v and %v", k.tenures[i-1], t)})
			}
		}
		answered := slices.Clone(k.tenures)
		slices.SortFunc(answered, func(a, b *Tenure) int { return cmp.Compare(a.Got, b.Got) })
		var highest *Tenure // of those that were answered before this one was asked for
		for _, t := range began {
			for len(answered) > 0 && answered[0].Got < t.Asked {
				if highest == nil || answered[0].Token > highest.Token {
					highest = answered[0]
				}
				answered = answered[1:]
			}
			if highest != nil && t.Token < highest.Token {
				found = append(found, Finding{k.key, t.Got, fmt.Sprintf("%v is lower than %v, which was there before", t, highest)})
			}
		}
	}
	return found
}

// Errors finds calls that failed in a way that no fault explains.
func (h *History) Errors() (found []Finding) {
	for _, c := range h.calls {
		if c.outcome() == Broken {
			found = append(found, Finding{c.Key, c.At, fmt.Sprintf("%s of %s: %s", c.Op, c.Process, c.end.Error)})
		}
	}
	return found
}

func (h *History) sorted() []*keyHistory {
	var keys []*keyHistory
	for _, k := range h.keys {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b *keyHistory) int { return cmp.Compare(a.key, b.key) })
	return keys
}

func (t *Tenure) String() string { return fmt.Sprintf("%s's token %d", t.Process, t.Token) }
