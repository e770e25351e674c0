package dynalock_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// C7: taken in one process, used and released in another.
func testHandle(t *testing.T, program string) {
	e := newEngineTable(t)
	first := e.start(t, program, "one", "-lease", "10s", "-data", "one", "acquire", "handle")
	taken := first.goes("acquire")
	handle := first.goes("handle").Handle
	first.ends()

	second := e.start(t, program, "two", "-handle", handle, "-data", "two", "attach", "stay", "update", "renew", "held", "stay", "release", "attach")
	attached := second.goes("attach")
	if attached.Token != taken.Token || attached.Data != "one" || attached.Owner != "one" {
		t.Errorf("attached %+v, taken %+v", attached, taken)
	}
	second.goes("stay")
	before := e.item("k")
	second.resume()
	second.goes("update")
	second.goes("renew")
	if !second.goes("held").Held {
		t.Error("not held after a renewal")
	}
	second.goes("stay")
	after := e.item("k")
	if textOf(after, "data") != "two" || numberOf(after, "seq") != numberOf(before, "seq")+2 {
		t.Errorf("updated and renewed %s\nto %s", showItem(before), showItem(after))
	}
	second.resume()
	second.goes("release")
	second.fails("attach", "ErrLost", "ErrNotHeld")
	second.ends()
	if !e.free("k") {
		t.Errorf("after the release: %s", showItem(e.item("k")))
	}
}

// Two processes may attach the same tenure; it ends when one of them releases.
func TestEngineHandleShared(t *testing.T) {
	t.Parallel()
	e := newEngineTable(t)
	l := e.wired("one", 1).take(t, "k", dynalock.WithLease(10*time.Second))
	var attached []*dynalock.Lock
	for range 2 {
		a, err := e.client("two").AttachLock(ever, l.Handle())
		if err != nil {
			t.Fatal(err)
		}
		attached = append(attached, a)
	}
	// Each goes on though the others wrote meanwhile.
	for i, h := range append(attached, l) {
		if err := h.Update(ever, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if err := h.Renew(ever); err != nil {
			t.Fatal(err)
		}
		if h.Token() != l.Token() || !h.Held() {
			t.Errorf("%v, token was %d", h, l.Token())
		}
	}
	if err := attached[0].Release(ever); err != nil {
		t.Fatal(err)
	}
	for _, h := range []*dynalock.Lock{attached[1], l} {
		var lost *dynalock.LostError
		if err := h.Renew(ever); !errors.As(err, &lost) || lost.Reason != dynalock.ReasonReleased {
			t.Errorf("renewing after another handle's release: %v", err)
		}
	}
}

// A handle whose tenure is gone, or that never was one, opens nothing and
// creates nothing.
func TestEngineHandleRefused(t *testing.T) {
	t.Parallel()
	together(t, map[string]func(*testing.T){
		"altered": func(t *testing.T) {
			e := newEngineTable(t)
			l := e.wired("one", 1).take(t, "k", dynalock.WithLease(10*time.Second))
			was, b := e.item("k"), e.client("two")
			if _, err := b.AttachLock(ever, l.Handle()[:40]); !errors.Is(err, dynalock.ErrInvalidHandle) {
				t.Errorf("cut off: %v", err)
			}
			if _, err := b.AttachLock(ever, otherNonce(t, l.Handle())); !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("another nonce: %v", err)
			}
			e.unchanged("k", was)
		},
		"taken over": func(t *testing.T) {
			e := newEngineTable(t)
			l := e.warm("one", 1).take(t, "k", dynalock.WithLease(shortLease))
			e.warm("two", 1).wait("k").within(t, 2*shortLease+slack)
			was := e.item("k")
			var lost *dynalock.LostError
			_, err := e.client("three").AttachLock(ever, l.Handle())
			if !errors.As(err, &lost) || lost.Reason != dynalock.ReasonTakenOver || lost.By != "two" || !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("%v", err)
			}
			e.unchanged("k", was)
		},
		"row gone": func(t *testing.T) {
			e := newEngineTable(t)
			l := e.wired("one", 1).take(t, "k", dynalock.WithLease(10*time.Second))
			e.remove("k")
			if _, err := e.client("two").AttachLock(ever, l.Handle()); !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("%v", err)
			}
			e.unchanged("k", nil)
		},
	})
}

// otherNonce gives a sound handle of a tenure that never was.
func otherNonce(t *testing.T, handle string) string {
	t.Helper()
	prefix, body, _ := strings.Cut(handle, ".")
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	const sum = 8
	b = b[:len(b)-sum]
	const token = 8
	b[len(b)-token-1] ^= 1
	full := sha256.Sum256(b)
	return prefix + "." + base64.RawURLEncoding.EncodeToString(append(b, full[:sum]...))
}
