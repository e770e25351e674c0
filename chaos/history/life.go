package history

import "slices"

// A life is what befell a process.
type life struct {
	killed  int64 // when it was gone; 0: never
	kill    int64 // when that was ordered
	stopped []span
	cut     []span
	faults  []span
}

// engine is the name under which the engine's times of absence are kept.
const engine = "engine"

func (h *History) life(process string) *life {
	l := h.lives[process]
	if l == nil {
		l = &life{}
		h.lives[process] = l
	}
	return l
}

// noteLife notes an event of those who run the processes.
func (h *History) noteLife(e Event) {
	l := h.life(e.Process)
	switch e.Kind {
	case Kill:
		l.kill, l.killed = e.From, e.At
	case Stop:
		l.stopped = append(l.stopped, span{e.From, never, "stopped"})
	case Cont:
		closeSpan(l.stopped, e.At)
	case Cut:
		l.cut = append(l.cut, span{e.From, never, "cut off"})
	case Heal:
		closeSpan(l.cut, e.At)
	case Down:
		h.life(engine).cut = append(h.life(engine).cut, span{e.From, never, "engine down"})
	case Up:
		closeSpan(h.life(engine).cut, e.At)
	case Faulty:
		l.faults = append(l.faults, span{e.From, e.At, e.Op})
	}
}

func closeSpan(spans []span, at int64) {
	if n := len(spans); n > 0 && spans[n-1].to == never {
		spans[n-1].to = at
	}
}

// within is how much of the spans lies in that time, in ns.
func within(spans []span, from, to int64) (n int64) {
	for _, s := range spans {
		n += max(0, min(s.to, to)-max(s.from, from))
	}
	return n
}

// befell names what happened to the process of a live tenure, until a moment,
// that can have kept it from being renewed; "" if nothing, or nothing that
// takes long enough: renewals begin after a third of a lease.
func (h *History) befell(t *Tenure, to int64) string {
	l, enough := h.life(t.Process), t.Lease/3
	from := max(t.Asked, t.Promise-2*t.Lease)
	switch {
	case l.kill != 0 && l.kill <= to:
		return "its process was killed"
	case within(l.stopped, from, to) >= enough:
		return "its process was stopped"
	case within(l.cut, from, to) >= enough:
		return "its network was cut"
	case within(h.life(engine).cut, from, to) >= enough:
		return "the engine was down"
	case within(l.stopped, from, to)+within(l.cut, from, to)+within(h.life(engine).cut, from, to) >= enough:
		return "several troubles"
	case slices.ContainsFunc(l.faults, func(f span) bool { return f.from <= to && f.to >= from }):
		return "its requests met faults"
	}
	return ""
}
