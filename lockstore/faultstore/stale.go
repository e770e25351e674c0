package faultstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// historyLength bounds what is kept under one key.
const historyLength = 128

// A History remembers what the records of a table were. It begins, for each
// key, with the first answer about it that passed, and keeps the last 128
// writes. Writes at the very same moment may stand in it in the wrong order.
type History struct {
	mu   sync.Mutex
	keys map[string][]version
}

type version struct {
	since  time.Time
	record *lockstore.Record
}

// NewHistory returns an empty history, to share by [WithHistory].
func NewHistory() *History { return &History{keys: map[string][]version{}} }

// note learns from an answer. Reads only tell how a key's history begins.
func (h *History) note(req request, a answer) {
	if a.err != nil || req.op == OpScan {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.keys[req.key]
	record := a.result.Record.Clone()
	if len(known) == 0 {
		first := version{}
		if !a.result.Applied {
			first.record = record
		}
		known = append(known, first)
	}
	if a.result.Applied {
		known = append(known, version{time.Now(), record})
	}
	h.keys[req.key] = known[max(0, len(known)-historyLength):]
}

// pick returns the version that choose names, by its place among those known.
func (h *History) pick(key string, choose func([]version) int) (*lockstore.Record, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.keys[key]
	if len(known) == 0 {
		return nil, false
	}
	return known[max(0, choose(known))].record.Clone(), true
}

// StaleReads answers eventually consistent reads with the record as it was n
// writes ago; never consistent ones. Pages of scans show older records too,
// but not those that are gone by now.
func StaleReads(n int) Fault {
	return stale(fmt.Sprintf("stale(%d writes)", n), func(known []version) int {
		return len(known) - 1 - n
	})
}

// StaleSince is like [StaleReads], with the record as it was d ago.
func StaleSince(d time.Duration) Fault {
	return stale(fmt.Sprintf("stale(%v)", d), func(known []version) int {
		then := time.Now().Add(-d)
		i := len(known) - 1
		for i > 0 && known[i].since.After(then) {
			i--
		}
		return i
	})
}

func stale(name string, choose func([]version) int) Fault {
	return Fault{name: name, passes: true, fits: eventual, run: func(ctx context.Context, c *call, _ func(), next sender) answer {
		a := next(ctx, c)
		if a.err != nil || !eventual(c.req) { // in a Chain fits is not asked
			return a
		}
		h := c.s.history
		if c.req.op == OpGet {
			if r, ok := h.pick(c.req.key, choose); ok {
				a.result.Record = r
			}
			return a
		}
		var items []lockstore.Item
		for _, item := range a.page.Items {
			if r, ok := h.pick(item.Key, choose); ok && item.Err == nil {
				item.Record = r
			}
			if item.Record != nil || item.Err != nil {
				items = append(items, item)
			}
		}
		a.page.Items = items
		return a
	}}
}

// eventual reports whether a stale answer is allowed at all.
func eventual(req request) bool {
	switch req.op {
	case OpGet:
		return req.read == lockstore.Eventual
	case OpScan:
		return !req.query.Consistent
	}
	return false
}
