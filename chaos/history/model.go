package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// A step is an operation of the model: something that a call did to a lock, or
// saw of it, at one moment between the two times of its porcupine.Operation.
type step struct {
	op    string // acquire, release, end, resume, release-key, held, refused
	token uint64
	owner string
	keeps bool // of acquire and resume: HoldAtLeast keeps it taken when it is released
}

// A state is a lock's: the tenure that holds it, and the highest token so far.
type state struct {
	holder uint64 // token; 0: free
	owner  string
	last   uint64
	keeps  bool // see step
	over   bool // released, and kept
	named  bool // released by name, and kept until a moment that is not known
}

// block is how many tokens a client reserves for hand-overs among its
// goroutines: a refusal names the highest of them, which may be had later.
const block = 16

// Model is a lock as one sees it who knows nothing of leases and requests:
//
//	acquire      from free, with a token higher than all before
//	release      of a tenure that HoldAtLeast keeps taken, but for nobody
//	end          of a tenure: to free. By release, or by the end of its lease; it
//	             cannot come before the release was called or the last promise ended
//	resume       from free, or from the owner's own tenure, with a higher token
//	release-key  a release, or the end, of the owner's own tenure; nothing where
//	             there is none of anybody. maybe-release-key: the same, at any time
//	             from its call on, of a release or resumption of unknown outcome
//	held         the tenure holds: a renewal that succeeded, a proof of belief
//	refused      that owner holds, with that token or a little lower one: of an acquire
//	             that did not wait; one that did tells what it saw last, which may have
//	             been before the call
//
// An acquire of unknown outcome begins a tenure that nobody has, or none. Nothing
// may build on it, so it is left out; a refusal that names a tenure that nobody
// has is left out too, and counted.
var model = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(s, input, _ any) (bool, any) {
		ok, next := s.(state).step(input.(step))
		return ok, next
	},
	DescribeOperation: func(input, _ any) string {
		s := input.(step)
		return fmt.Sprintf("%s %s %d", s.op, s.owner, s.token)
	},
	DescribeState: func(s any) string {
		if s.(state).holder == 0 {
			return "free"
		}
		return fmt.Sprintf("%s %d", s.(state).owner, s.(state).holder)
	},
}

func (s state) step(do step) (bool, state) {
	held := state{holder: do.token, owner: do.owner, last: do.token, keeps: do.keeps}
	over := s
	over.over = true
	free := state{last: s.last}
	switch do.op {
	case Acquire:
		return (s.holder == 0 || s.named) && do.token > s.last, held
	case Resume:
		return (s.holder == 0 || s.named || s.owner == do.owner) && do.token > s.last, held
	case Release:
		if s.holder == do.token {
			return true, over
		}
		return true, s
	case stepEnd:
		if s.holder == do.token {
			return true, free
		}
		return true, s // ended by name before
	case stepMaybe, ReleaseKey:
		mine := s.owner == do.owner
		switch {
		case do.op == stepMaybe && !mine:
			return true, s
		case s.holder == 0 || s.over:
			return true, s
		case s.keeps:
			over.named = true
			return mine, over
		}
		return mine, free
	case stepHeld:
		return s.holder == do.token, s
	case Refused:
		return s.holder != 0 && s.owner == do.owner && s.holder <= do.token && do.token-s.holder <= block, s
	}
	return false, s
}

const (
	stepEnd   = "end"
	stepHeld  = "held"
	stepMaybe = "maybe-release-key"
)

// steps are the operations of one key, and how many refusals are left out.
func (k *keyHistory) steps(o Options) (ops []porcupine.Operation, unjudged int) {
	clients := map[string]int{}
	add := func(who string, from, to int64, s step) {
		if _, ok := clients[who]; !ok {
			clients[who] = len(clients)
		}
		ops = append(ops, porcupine.Operation{ClientId: clients[who], Input: s, Call: from, Return: max(from, to)})
	}
	for i, t := range k.tenures {
		add(t.Process, t.Asked, t.Got, step{t.Op, t.Token, t.Owner, t.kept})
		for _, r := range t.reads {
			add(t.Process, r.from, r.to, step{op: stepHeld, token: t.Token, owner: t.Owner})
		}
		if t.First != 0 && !o.Named {
			add(t.Process, t.First, t.First, step{op: stepHeld, token: t.Token, owner: t.Owner})
			add(t.Process, t.Last, t.Last, step{op: stepHeld, token: t.Token, owner: t.Owner})
		}
		from, to := t.ends(), int64(never)
		if o.Named {
			from = t.Asked // by anybody, at any time
		}
		if t.released != 0 && !t.kept {
			to = t.released
		} else if t.kept && t.giveUp != 0 {
			add(t.Process+" released", t.giveUp, cmp.Or(t.released, never), step{op: Release, token: t.Token, owner: t.Owner})
		}
		if to == never && i+1 < len(k.tenures) { // tokens rise: it has to have ended by then
			to = k.tenures[i+1].Got
		}
		add(t.Process+" ends", from, to, step{op: stepEnd, token: t.Token, owner: t.Owner})
	}
	for _, c := range k.calls {
		switch {
		case c.Op == ReleaseKey && c.outcome() == OK && !o.Named:
			add(c.Process, c.At, c.returned(), step{op: ReleaseKey, owner: c.Owner})
		case (c.Op == ReleaseKey || c.Op == Resume) && c.outcome() == Unknown && !o.Named:
			add(c.Process+" later", c.At, never, step{op: stepMaybe, owner: c.Owner})
		case c.Op == Acquire && c.outcome() == Refused && !c.Waits:
			if !k.known(c.end.Holder, c.end.HolderToken) {
				unjudged++
				continue
			}
			add(c.Process, c.At, c.returned(), step{op: Refused, token: c.end.HolderToken, owner: c.end.Holder})
		}
	}
	return ops, unjudged
}

// known reports whether somebody got a handle to the tenure that a refusal
// named. A token that nobody has may be a waiter's that gave up, or reserved.
func (k *keyHistory) known(owner string, token uint64) bool {
	return slices.ContainsFunc(k.tenures, func(t *Tenure) bool { return t.Owner == owner && t.Token == token })
}

// A Verdict is what porcupine says of one key.
type Verdict struct {
	Key      string
	Result   porcupine.CheckResult
	Steps    int
	Unjudged int    // refusals that name a tenure that nobody has a handle to
	Stuck    string // the longest order that fits, and what cannot come next
	info     porcupine.LinearizationInfo
}

// Linearize checks each key against the model.
func (h *History) Linearize(o Options, limit time.Duration) (all []Verdict) {
	for _, k := range h.sorted() {
		if o.Deleting(k.key) {
			continue
		}
		ops, unjudged := k.steps(o)
		result, info := porcupine.CheckOperationsVerbose(model, ops, limit)
		all = append(all, Verdict{k.key, result, len(ops), unjudged, stuck(ops, info), info})
	}
	return all
}

// stuck tells where the longest partial order ends.
func stuck(ops []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var longest []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, partial := range partition {
			if len(partial) > len(longest) {
				longest = partial
			}
		}
	}
	if len(longest) == len(ops) {
		return ""
	}
	s, placed := state{}, map[porcupine.Operation]int{}
	for _, op := range longest {
		placed[op]++
		_, s = s.step(op.Input.(step))
	}
	var next *porcupine.Operation // whose time is over first
	for i := range ops {
		if placed[ops[i]]--; placed[ops[i]] < 0 && (next == nil || ops[i].Return < next.Return) {
			next = &ops[i]
		}
	}
	if next == nil {
		return ""
	}
	return fmt.Sprintf("after %d of %d steps it is %q, and then there is %q from %d to %d", len(longest), len(ops),
		model.DescribeState(s), model.DescribeOperation(next.Input, nil), next.Call, next.Return)
}

// Draw writes the verdict's picture, an HTML page.
func (v Verdict) Draw(path string) error { return porcupine.VisualizePath(model, v.info, path) }
