package history

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// never is later than everything that happened.
const never = math.MaxInt64

// A Tenure is what the logs tell of one tenure that somebody got a handle to.
type Tenure struct {
	Key, Owner, Process string
	Token               uint64
	Op                  string // acquire or resume
	Lease               int64  // ns
	Live                bool
	Asked, Got          int64 // the call that began it
	TookOver            bool

	First, Last int64 // the first and last proof of belief; 0: none
	Gap         int64 // the longest time between two looks at the handle

	Promise  int64 // until when it was held at least, by its handles' word
	hold     int64 // end of HoldAtLeast at the earliest; 0: none
	latest   int64 // and at the latest: it counts from the grant, by the store's clock
	kept     bool  // by HoldAtLeast, its own or that of the tenure that was resumed
	giveUp   int64 // when its release, or its client's Close, was called; 0: never
	released int64 // when its release was answered; 0: never, or not known to have been made
	Lost     []Event
	reads    []span // moments at which its record was surely its own
	looked   int64
	shorten  bool // an Extend is under way
}

// A span is a piece of time in which something happened.
type span struct {
	from, to int64
	what     string
}

// ends is the earliest moment at which it may have ended.
func (t *Tenure) ends() int64 {
	end := t.Promise
	if t.giveUp != 0 {
		end = min(end, t.giveUp)
	}
	return max(end, t.hold, t.Asked)
}

// A call is one with its answer, if there was one.
type call struct {
	Event         // the beginning
	end   *Event  // nil: the process was killed before it was answered
	of    *Tenure // for release, renew, extend, update, attach
}

func (c *call) returned() int64 {
	if c.end == nil {
		return never
	}
	return c.end.At
}

func (c *call) outcome() string {
	if c.end == nil {
		return Unknown
	}
	return c.end.Outcome
}

// A keyHistory is all of one key.
type keyHistory struct {
	key     string
	tenures []*Tenure // by token
	calls   []*call   // in the order in which they began
}

type callID struct {
	process string
	number  int64
}

// A History is what all logs tell.
type History struct {
	Events []Event // by time
	keys   map[string]*keyHistory
	calls  []*call
	lives  map[string]*life
}

// New puts the logs of a run together.
func New(events []Event) *History {
	h := &History{Events: slices.Clone(events), keys: map[string]*keyHistory{}, lives: map[string]*life{}}
	slices.SortStableFunc(h.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	ends := map[callID]*Event{}
	for i, e := range h.Events {
		if e.Kind == End {
			ends[callID{e.Process, e.Call}] = &h.Events[i]
		}
	}
	handles := map[callID]*Tenure{}
	for _, e := range h.Events {
		h.note(e, ends, handles)
	}
	for _, k := range h.keys {
		slices.SortStableFunc(k.tenures, func(a, b *Tenure) int { return cmp.Compare(a.Token, b.Token) })
	}
	return h
}

func (h *History) of(key string) *keyHistory {
	k := h.keys[key]
	if k == nil {
		k = &keyHistory{key: key}
		h.keys[key] = k
	}
	return k
}

func (h *History) note(e Event, ends map[callID]*Event, handles map[callID]*Tenure) {
	t := handles[callID{e.Process, e.Handle}]
	if e.Handle == 0 {
		t = nil
	}
	switch e.Kind {
	case Begin:
		c := &call{Event: e, end: ends[callID{e.Process, e.Call}], of: t}
		h.calls = append(h.calls, c)
		if e.Key != "" {
			k := h.of(e.Key)
			k.calls = append(k.calls, c)
		}
		h.began(c, handles)
	case End:
		if t == nil && e.Handle != 0 && e.Outcome == OK {
			handles[callID{e.Process, e.Handle}] = h.got(e)
		} else if t != nil {
			t.ended(e)
		}
	case Held:
		if t != nil {
			t.held(e)
		}
	case Lost:
		if t != nil {
			t.look(e.From)
			t.Lost = append(t.Lost, e)
		}
	default:
		h.noteLife(e)
	}
}

// began notes what a call gives up before it is answered.
func (h *History) began(c *call, handles map[callID]*Tenure) {
	switch {
	case c.Op == Close:
		for id, t := range handles {
			if id.process == c.Process && t.Live && t.giveUp == 0 {
				t.giveUp = c.At
			}
		}
	case c.of == nil:
	case c.Op == Release:
		if c.of.giveUp == 0 {
			c.of.giveUp = c.At
		}
	case c.Op == Extend:
		// It may be shortened: only what is said after that counts.
		c.of.Promise, c.of.shorten = min(c.of.Promise, c.At), true
	}
}

// got notes a new handle. An attached one is to a tenure that is known.
func (h *History) got(e Event) *Tenure {
	k := h.of(e.Key)
	if e.Op == Attach {
		for _, t := range k.tenures {
			if t.Token == e.Token {
				t.reads = append(t.reads, span{e.From, e.At, Attach})
				return t
			}
		}
	}
	t := &Tenure{
		Key: e.Key, Owner: e.Owner, Process: e.Process, Token: e.Token, Op: e.Op, Lease: e.Lease, Live: e.Live,
		Asked: e.From, Got: e.At, Promise: e.From, TookOver: e.TookOver,
	}
	if e.AtLeast > 0 {
		t.hold, t.kept = e.From+e.AtLeast, true
		t.latest = e.At + e.AtLeast + int64(3*time.Second)
	}
	for _, former := range k.tenures {
		t.kept = t.kept || t.Op == Resume && former.Owner == t.Owner && former.latest > t.Asked
	}
	k.tenures = append(k.tenures, t)
	return t
}

// ended notes the answer of a call that was for the tenure.
func (t *Tenure) ended(e Event) {
	switch e.Op {
	case Release:
		if e.Outcome == OK && t.released == 0 {
			t.released = e.At
		}
	case Extend:
		t.shorten = false
		fallthrough
	case Renew, Update:
		if e.Outcome == OK {
			t.reads = append(t.reads, span{e.From, e.At, e.Op})
			if e.Op == Extend {
				t.Lease = e.Lease
			}
		}
	}
}

// held notes a proof of belief and a promise.
func (t *Tenure) held(e Event) {
	t.look(e.From)
	if t.First == 0 || e.From < t.First {
		t.First = e.From
	}
	t.Last = max(t.Last, e.From)
	if !t.shorten {
		t.Promise = max(t.Promise, e.Until)
	} else {
		t.Promise = max(t.Promise, e.From)
	}
}

func (t *Tenure) look(at int64) {
	if t.looked != 0 {
		t.Gap = max(t.Gap, at-t.looked)
	}
	t.looked = at
}
