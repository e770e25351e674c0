package dynalock_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/internal/marktest"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What may not show. Nonces begin so, too, and handles hold them.
const (
	markedData  = "MARKED:data/of.a lock\x00\xff"
	markedKey   = "MARKED:key+of.AES" // and as many zeroes as make it one
	markedNonce = "MARKNONC"
)

func markedAESKey() []byte { return append([]byte(markedKey), make([]byte, 32-len(markedKey))...) }

// A panickyAEAD panics with what it was given.
type panickyAEAD struct{}

func (panickyAEAD) Encrypt(plain, _ []byte) ([]byte, error) { panic(string(plain)) }
func (panickyAEAD) Decrypt(text, _ []byte) ([]byte, error)  { panic(string(text)) }

// A leak is an error whose every form repeats what the cipher was given.
type leak string

func (e leak) Error() string { return string(e) }

type valueLeakAEAD struct{}

func (valueLeakAEAD) Encrypt(plain, _ []byte) ([]byte, error) { return nil, leak(plain) }
func (valueLeakAEAD) Decrypt(text, _ []byte) ([]byte, error)  { return nil, leak(text) }

// A tour makes every call that there is, and keeps all that comes back as text.
type tour struct {
	*world
	*marktest.Paper
	nonces int
	mu     sync.Mutex
	secret []string // handles
	strike func()   // makes what comes next fail
}

// client gives a client of that owner whose log, events and settings go onto
// the paper.
func (r *tour) client(owner string, net lockstore.Store, opts ...dynalock.ClientOption) *dynalock.Client {
	var log lines
	store := &hook.Store{Store: net, Random: func(b []byte) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.nonces++
		copy(b, fmt.Sprintf("%s%08d", markedNonce, r.nonces))
	}}
	c := dynalock.New(store, append(opts, dynalock.WithLockOwnerName(owner), log.option(),
		dynalock.WithObserver(func(_ context.Context, e dynalock.Event) { r.Log(e, &e, e.Err) }))...)
	r.t.Cleanup(func() {
		_ = c.Close(bg)
		r.Log(log.at(-100))
	})
	return c
}

// note keeps the results of a call; a panic's value is its cipher's own.
func (r *tour) note(call func() []any) {
	r.strike()
	defer func() { _ = recover() }()
	r.Log(call()...)
}

// visit makes the calls on one key.
func (r *tour) visit(c, other *dynalock.Client, key string, opts ...dynalock.AcquireOption) {
	data := []byte(markedData)
	var l *dynalock.Lock
	r.note(func() []any {
		var err error
		l, err = c.AcquireLock(within(r.t, time.Minute), key, append(opts, dynalock.WithData(data))...)
		return []any{l, err}
	})
	for _, call := range []func() []any{
		func() []any { i, err := c.GetLock(bg, key); return []any{i, err} },
		func() []any { i, err := other.GetLock(bg, key); return []any{i, err} },
		func() []any { l, err := other.AcquireLock(bg, key, dynalock.WithData(data)); return []any{l, err} },
		func() []any {
			l, err := other.AcquireLock(within(r.t, 3*time.Second), key, dynalock.Wait())
			return []any{l, err}
		},
		func() []any { return []any{other.UpdateLock(bg, key, data), c.UpdateLock(bg, key, data)} },
		func() []any { return []any{c.UpdateLock(bg, key, append(data, make([]byte, 1<<20)...))} },
		func() []any { ok, err := other.ReleaseLock(bg, key); return []any{ok, err} },
		func() []any { l, err := c.ResumeLock(bg, key); return []any{l, err} },
		func() []any { l, err := other.ResumeLock(bg, key, dynalock.WithData(data)); return []any{l, err} },
		func() (all []any) {
			for info, err := range other.Locks(bg, dynalock.WithReleased()) {
				all = append(all, info, &info, err)
			}
			return all
		},
		func() []any { return r.visitHandle(l, c, other, data) },
		func() []any { i, err := other.ForceRelease(bg, key, 1); return []any{i, err} },
		func() []any {
			info, err := other.GetLock(bg, key)
			if err != nil {
				return []any{err}
			}
			forced, err := other.ForceRelease(bg, key, info.Token)
			return []any{forced, err}
		},
		func() []any {
			err := c.Do(bg, key, func(ctx context.Context, l *dynalock.Lock) error { r.Log(l, ctx); return l.Update(ctx, data) }, dynalock.WithData(data))
			return []any{err}
		},
	} {
		r.note(call)
	}
	time.Sleep(time.Minute) // fake time: only bubbles call this; what is under way comes to its end
}

func (r *tour) visitHandle(l *dynalock.Lock, c, other *dynalock.Client, data []byte) []any {
	if l == nil {
		return nil
	}
	handle := l.Handle()
	r.secret = append(r.secret, handle, handle[len(handle)-24:])
	m, err := c.AttachLock(bg, handle)
	_, damaged := c.AttachLock(bg, handle[:len(handle)-1])
	_, strange := other.AttachLock(bg, "x"+handle)
	all := []any{m, err, damaged, strange, l, l.Err(), l.Renew(bg), l.Extend(bg, time.Hour), l.Extend(bg, -1), l.Update(bg, data)}
	if m != nil {
		all = append(all, m.Release(bg))
	}
	_, late := c.AttachLock(bg, handle)
	return append(all, late, l.Release(bg), l.Update(bg, data), l.Err(), []*dynalock.Lock{l}, map[string]any{"l": l}, struct{ L *dynalock.Lock }{l})
}

// sessionKey is the key of a session's record, whose random part is no nonce.
var sessionKey = regexp.MustCompile(`dynalock:session:[0-9a-f]{32}`)

// check looks for every secret, and that there was enough to look at.
func (r *tour) check(t *testing.T, want ...string) {
	t.Helper()
	all := r.String()
	r.Paper = &marktest.Paper{}
	fmt.Fprint(r, sessionKey.ReplaceAllString(all, "a session"))
	for _, secret := range append(r.secret, markedData, markedKey, markedNonce, base64.StdEncoding.EncodeToString(markedAESKey())) {
		if place := r.Shows(secret); place != "" {
			t.Errorf("it shows %s", place)
		}
	}
	for _, part := range append(want, `lock \"k\" of \"a\"`, "acquire") {
		if !strings.Contains(all, part) {
			t.Errorf("nothing says %q in %d bytes: not enough to judge by", part, len(all))
		}
	}
}

// faultsOfAll are the kinds of faults, with what somebody is told of each.
var faultsOfAll = map[string]struct {
	fault faultstore.Fault
	said  string
}{
	"none": {faultstore.Hold(0), "held by"}, "answer lost": {faultstore.ApplyCut(), "unavailable"}, "500, applied": {faultstore.Apply500(), "unavailable"},
	"500": {faultstore.Refuse500(), "unavailable"}, "refused": {faultstore.Refuse(), "unavailable"}, "throttled": {faultstore.Throttle(), "throttled"},
	"denied": {faultstore.Deny(), "denied"}, "black hole": {faultstore.BlackHole(), "unavailable"}, "black hole, applied": {faultstore.BlackHoleApplied(), "unavailable"},
	"late": {faultstore.Late(10 * time.Second), "unavailable"}, "twice": {faultstore.Repeat(time.Second), "held by"}, "no time": {faultstore.NoTime(), "held by"},
}

// TestMarkedThingsUnderFaults: through every call and every kind of fault, data,
// keys, nonces and handles are in no error, log line, event or formatted value.
func TestMarkedThingsUnderFaults(t *testing.T) {
	for name, f := range faultsOfAll {
		for lifetime, opts := range map[string]options{
			"durable": {dynalock.WithLease(time.Hour)}, "live": {dynalock.KeepAlive()}, "brief": {dynalock.HoldAtLeast(time.Second), dynalock.DeleteOnRelease()},
		} {
			t.Run(name+", "+lifetime, func(t *testing.T) {
				var r tour
				bubble(t, func(t *testing.T, w *world) {
					net := faultstore.New(w.table)
					t.Cleanup(net.Close)
					r = tour{world: w, Paper: &marktest.Paper{}, strike: func() {}}
					aead := aesGCM(t, markedAESKey())
					a, b := r.client("a", net, aead), r.client("b", net, aead)
					r.Log(aead)
					r.visit(a, b, "k", opts...) // in peace
					for _, times := range []int{1, 4} {
						r.strike = func() { net.On(faultstore.Match{Times: times}, f.fault) }
						r.visit(a, b, "k", opts...)
					}
				})
				r.check(t, f.said)
			})
		}
	}
}

// TestMarkedThingsInCiphers: nor where data cannot be sealed or opened, whatever
// the cipher says of it, or where something else wrote the item.
func TestMarkedThingsInCiphers(t *testing.T) {
	right := aesGCM(t, markedAESKey())
	for name, opt := range map[string]dynalock.ClientOption{
		"wrong key": aesGCM(t, key(32, 7)), "leaky": dynalock.WithDataEncryption(&leakyAEAD{}), "leaky values": dynalock.WithDataEncryption(valueLeakAEAD{}),
		"panics": dynalock.WithDataEncryption(panickyAEAD{}), "none": dynalock.WithEncryptionContext("x"), "plaintext": right,
	} {
		t.Run(name, func(t *testing.T) {
			var r tour
			bubble(t, func(t *testing.T, w *world) {
				r = tour{world: w, Paper: &marktest.Paper{}, strike: func() {}}
				a, b := r.client("a", w.table, right), r.client("b", w.table, opt)
				for range 2 {
					r.visit(a, b, "k")
					r.visit(b, a, "k", dynalock.WithLease(time.Second))
					rec := w.row("k")
					rec.Data, rec.Sealed = []byte(markedData), name == "plaintext"
					rec.DataErr = fmt.Errorf("%w: an attribute", lockstore.ErrMalformed)
					w.table.Put("k", rec)
					r.visit(b, a, "k")
				}
			})
			r.check(t, "")
		})
	}
}

// A cipher's own error is there for who asks, shows in no text, and ends no
// context: a time limit of its key service is not the caller's.
func TestCipherError(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a", dynalock.WithDataEncryption(valueLeakAEAD{}))
		_, err := a.AcquireLock(bg, "k", dynalock.WithData(secretData))
		if own, ok := errors.AsType[leak](err); !ok || string(own) != string(secretData) || !strings.Contains(err.Error(), `lock "k"`) {
			t.Errorf("%v", err)
		}
		late := w.machine("b", dynalock.WithDataEncryption(lateAEAD{}))
		_, err = late.AcquireLock(bg, "k", dynalock.WithData(secretData))
		matchesOnly(t, "a cipher's time limit", err)
	})
}

type lateAEAD struct{ valueLeakAEAD }

func (lateAEAD) Encrypt(_, _ []byte) ([]byte, error) { return nil, context.DeadlineExceeded }
