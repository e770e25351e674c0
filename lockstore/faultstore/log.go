package faultstore

import (
	"fmt"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// logLength is how many entries are kept at least.
const logLength = 4096

// Counts are the requests that clients sent, with those that met a fault and
// without the copies that [Repeat] makes.
type Counts struct {
	Gets   int // both kinds
	Strong int // of them the consistent ones
	Writes int
	Scans  int // pages
	Failed int // writes whose condition failed at the store
}

// Total is how many requests there were.
func (c Counts) Total() int { return c.Gets + c.Writes + c.Scans }

// An Entry is one request in the log. It never holds data.
type Entry struct {
	Op      Op
	Key     string
	What    string // what a write looks like, or how a read reads
	Start   time.Time
	End     time.Time // zero: still under way
	Reached bool      // the store has answered it, if nobody else saw that
	Applied bool      // a write that changed the record
	Copy    bool      // a repetition made by Repeat
	Fault   string    // what it met; empty: nothing
	Err     error     // what the caller got
}

func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s +%v %v %q", e.Start.Format("15:04:05.000"), e.took(), e.Op, e.Key)
	for _, part := range []struct {
		show bool
		text string
	}{
		{e.What != "", e.What}, {e.Copy, "copy"}, {!e.Reached, "not delivered"},
		{e.Reached && e.Op == OpWrite && !e.Applied, "not applied"}, {e.Fault != "", "[" + e.Fault + "]"},
	} {
		if part.show {
			b.WriteString(" " + part.text)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e Entry) took() any {
	if e.End.IsZero() {
		return "..."
	}
	return e.End.Sub(e.Start)
}

// Requests returns how many requests there were since the start or the last
// [Store.Reset].
func (s *Store) Requests() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Log returns the requests since then, oldest first; of very many the last.
func (s *Store) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := make([]Entry, len(s.log))
	for i, e := range s.log {
		log[i] = *e
	}
	return log
}

// Reset empties the counts and the log. Rules and late requests stay.
func (s *Store) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts, s.log = Counts{}, nil
}

// begin counts a request and opens its entry.
func (s *Store) begin(req request, fault string) *Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch req.op {
	case OpGet:
		s.counts.Gets++
		if req.read == lockstore.Consistent {
			s.counts.Strong++
		}
	case OpWrite:
		s.counts.Writes++
	case OpScan:
		s.counts.Scans++
	}
	return s.open(req, Entry{Fault: fault})
}

func (s *Store) beginCopy(req request) *Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open(req, Entry{Copy: true})
}

// open needs s.mu.
func (s *Store) open(req request, e Entry) *Entry {
	e.Op, e.Key, e.What, e.Start = req.op, req.key, what(req), time.Now()
	if len(s.log) >= 2*logLength {
		s.log = append([]*Entry(nil), s.log[logLength:]...)
	}
	s.log = append(s.log, &e)
	return &e
}

// delivered notes what the store made of a request, which the caller may
// never learn.
func (s *Store) delivered(e *Entry, op Op, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Reached, e.Applied = a.err == nil, a.result.Applied
	if op == OpWrite && a.err == nil && !a.result.Applied && !e.Copy {
		s.counts.Failed++
	}
}

func (s *Store) end(e *Entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.End, e.Err = time.Now(), err
}
