package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// An oracle sees every write at the table when it happens, and knows every
// handle that a user got. A belief that ended never comes back, so it is enough
// to ask all handles of a key whenever its record changed, a handle was given,
// or a process goes on that had stood still.
type oracle struct {
	w *world

	mu      sync.Mutex
	handles map[string][]*handle // by key; those that have ended are dropped
	tenures map[lockstore.Nonce]*tenure
	joined  map[lockstore.Nonce]*process // who sent the request to join
	absent  map[string]time.Time         // since when, or until when last, the key had no record
	tokens  map[string]int64             // of the living item, the highest
	idle    map[string]*idleness
	got     int      // handles
	found   []string // what is wrong
	lines   []string // the trace
	hash    uint64
}

func newOracle(w *world) *oracle {
	return &oracle{
		w: w, handles: map[string][]*handle{}, tenures: map[lockstore.Nonce]*tenure{},
		joined: map[lockstore.Nonce]*process{}, absent: map[string]time.Time{}, tokens: map[string]int64{}, idle: map[string]*idleness{},
	}
}

// A handle is one that a user got.
type handle struct {
	*dynalock.Lock
	p         *process
	nonce     lockstore.Nonce
	token     uint64
	attached  bool
	live      bool
	mayForget bool // it ends by itself
	began     time.Time
	atMost    time.Duration
}

func (h *handle) name() string {
	return fmt.Sprintf("%v's handle %s of %s, token %d", h.p, short(h.nonce), h.Key(), h.token%1e7)
}

// A tenure is what the oracle knows of a nonce.
type tenure struct {
	key      string
	creator  *process
	joined   bool // began as a place in a queue
	began    time.Time
	written  time.Time     // the last write of it
	lease    time.Duration // in the record
	session  string
	promised time.Time // the latest end that any write of it promised
	lapsed   bool      // of a session: its end came once

	ended time.Time // zero: it goes on
	how   lockstore.How
	by    string
	gone  bool // the item was removed

	// named: it may end by a named exception, which is no fault; then its
	// former handles may believe until pardoned.
	named    bool
	former   []*tenure // what it was before late copies of its acquire revived it
	shared   bool      // Handle was asked for
	pardoned time.Time
	over     *process // Release of it returned nil there, and nobody else there has it
}

// nonceOf reads what the API keeps secret.
func nonceOf(l *dynalock.Lock) lockstore.Nonce {
	return lockstore.Nonce(reflect.ValueOf(l).Elem().FieldByName("nonce").String())
}

// wrong notes a fault of the library; o.mu is held.
func (o *oracle) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	o.tracef("WRONG: %s", text)
	if len(o.found) < 5 {
		o.found = append(o.found, since(time.Now())+": "+text)
	}
}

func (o *oracle) fail(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrong(format, args...)
}

func (o *oracle) failed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.found) > 0
}

// tracef takes a line into the history's hash and, if asked for, keeps it;
// o.mu is held.
func (o *oracle) tracef(format string, args ...any) {
	if !*trace && !*twice {
		return
	}
	line := since(time.Now()) + " " + fmt.Sprintf(format, args...)
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %s", o.hash, line)
	o.hash = h.Sum64()
	o.lines = append(o.lines, line)
}

func (o *oracle) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tracef(format, args...)
}

// gained notes a handle that a user got.
func (o *oracle) gained(h *handle) *handle {
	h.nonce, h.token, h.began = nonceOf(h.Lock), h.Token(), time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tracef("%v: got %s token %d nonce %s", h.p, h.Key(), h.token%1e7, short(h.nonce))
	o.got++
	if last := h.p.tokens[h.Key()]; h.token <= last && !h.attached && !h.p.frozen() && h.Held() && !o.pardons(h) {
		o.wrong("%v, which had token %d before", h.name(), last%1e7)
	}
	if !h.attached {
		h.p.tokens[h.Key()] = max(h.p.tokens[h.Key()], h.token)
	}
	o.handles[h.Key()] = append(o.handles[h.Key()], h)
	o.judge(h.Key())
	return h
}

// judge asks all handles of a key; o.mu is held, so that no process is stopped
// meanwhile.
func (o *oracle) judge(key string) {
	var believe []*handle
	kept := o.handles[key][:0]
	r := o.w.table.Peek(key)
	for _, h := range o.handles[key] {
		switch {
		case h.p.dead.Load():
			continue
		case h.p.frozen(): // it does nothing; it is judged when it goes on
		case h.Held():
			if o.pardons(h) {
				break
			}
			if why := untrue(h, r); why != "" {
				o.wrong("%v believes, and %s", h.name(), why)
			}
			for _, other := range believe {
				if other.nonce != h.nonce || !h.attached && !other.attached {
					o.wrong("two believe: %v and %v", other.name(), h.name())
				}
			}
			believe = append(believe, h)
		default:
			o.lost(h)
			continue
		}
		kept = append(kept, h)
	}
	o.handles[key] = kept
}

// untrue says what the record shows if it is not that tenure.
func untrue(h *handle, r *lockstore.Record) string {
	switch {
	case r == nil:
		return "there is no record"
	case r.Nonce != h.nonce || r.Released || r.Ended:
		return "the record is: " + show(h.Key(), r)
	}
	return ""
}

// pardons reports whether h may believe though its tenure has ended: by a
// named exception, and not for too long. A late copy may have revived it since;
// then h may also have gone on with it.
func (o *oracle) pardons(h *handle) bool {
	t := o.tenures[h.nonce]
	if t == nil {
		return false
	}
	for _, former := range t.former {
		if h.began.Before(former.ended) && former.named && !time.Now().After(former.pardoned) {
			return true
		}
	}
	if t.ended.IsZero() || !t.named {
		return false
	}
	if time.Now().After(t.pardoned) && !h.p.troubledSince(t.ended) {
		o.wrong("%v believes, and its tenure ended at %s: %s by %s", h.name(), since(t.ended), t.how, t.by)
	}
	return true
}

// judgeAll judges every key.
func (o *oracle) judgeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range o.w.keys {
		o.judge(key)
	}
}

type byKey struct{}

// sent sees the requests of a process before they travel.
func (o *oracle) sent(p *process, ctx context.Context, key string, w lockstore.Write) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n, _ := about(w); ctx.Value(byKey{}) != nil && o.tenures[n] != nil {
		o.tenures[n].named = true
	}
	if n, cas := about(w); cas && ctx.Value(byKey{}) == nil && o.tenures[n] != nil && o.tenures[n].over == p && !o.tenures[n].shared && !strings.Contains(key, "session:") {
		o.wrong("%v sends %q for tenure %s of %s, whose Release had returned nil", p, summary(w), short(n), key)
	}
}

// name notes that a tenure may end by a named exception: others have its handle.
func (o *oracle) name(n lockstore.Nonce) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.tenures[n]; t != nil {
		t.shared = true
	}
}

// about tells which tenure a write is conditional on, and whether on its seq.
func about(w lockstore.Write) (n lockstore.Nonce, seq bool) {
	for _, c := range w.If {
		for _, test := range c {
			switch t := test.(type) {
			case lockstore.NonceIs:
				n = lockstore.Nonce(t)
			case lockstore.SeqIs:
				seq = true
			}
		}
	}
	for _, do := range w.Do { // a takeover is not a write of the tenure
		if _, ok := do.(lockstore.SetNonce); ok {
			seq = false
		}
	}
	return n, seq && n != ""
}

// releasedNil notes that Release returned nil.
func (o *oracle) releasedNil(h *handle) {
	o.mu.Lock()
	defer o.mu.Unlock()
	// Otherwise it may have been handed over within the client.
	if t := o.tenures[h.nonce]; t != nil && !t.ended.IsZero() && t.how == lockstore.HowReleased && !t.named {
		t.over = h.p
	}
	o.tracef("%v: released %v", h.p, h.Key())
}

// lost checks why a handle ended.
func (o *oracle) lost(h *handle) {
	err := h.Err()
	var lost *dynalock.LostError
	if !errors.As(err, &lost) {
		return
	}
	o.tracef("%v: lost %s %s: %v", h.p, h.Key(), short(h.nonce), err)
	if why := o.lie(h, lost); why != "" {
		o.wrong("%v was told %q by %q, and %s", h.name(), lost.Reason, lost.By, why)
	}
}

// read notes what a read showed.
func (o *oracle) read(p *process, key string, r *lockstore.Record) {
	if !*trace && !*twice {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tracef("%v: read %s", p, show(key, r))
}
