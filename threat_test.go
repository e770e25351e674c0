package dynalock_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// What docs/threat-model.md says that encryption does not do: it hides neither
// who holds what nor how much data there is, and whoever writes to the table can
// put back what was sealed for the same key before.
func TestThreat_WhatEncryptionLeavesOpen(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("owner", aesGCM(t, key(32, 1)))
		l := a.take("k", dynalock.WithData([]byte("first")), dynalock.WithLease(time.Hour))
		former := w.row("k").Data
		must(t, l.Update(bg, []byte("second")))
		if r := w.row("k"); r.Owner != "owner" || len(r.Data) != len("second")+12+16 {
			t.Errorf("%+v", r)
		}
		r := w.row("k")
		r.Data = former
		w.table.Put("k", r)
		info, err := a.GetLock(bg, "k")
		must(t, err)
		if string(info.Data) != "first" || info.DataErr != nil {
			t.Errorf("%q, %v", info.Data, info.DataErr)
		}
	})
}

// Whoever can read an item has all that a handle holds: a handle keeps out only
// those who can write to the table and not read it.
func TestThreat_ReaderMakesAHandle(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("owner").take("k", dynalock.WithLease(time.Hour))
		r := w.row("k")
		var b []byte
		for _, part := range []string{"memory", "k"} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
			b = append(b, part...)
		}
		b = binary.BigEndian.AppendUint64(append(b, r.Nonce...), uint64(r.Token))
		sum := sha256.Sum256(b)
		handle := "dynalock1." + base64.RawURLEncoding.EncodeToString(append(b, sum[:8]...))
		if m, err := w.machine("other").AttachLock(bg, handle); err != nil || m.Token() != l.Token() {
			t.Errorf("%v, %v", m, err)
		}
	})
}

// A key file's cipher and the one of the library are bound to the lock's key
// and the table: what is sealed for one lock is nothing under another.
func TestThreat_CiphertextIsBound(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("owner", aesGCM(t, key(32, 1)))
		a.take("from", dynalock.WithData([]byte("secret")))
		a.take("to", dynalock.WithData([]byte("public")))
		r := w.row("to")
		r.Data = bytes.Clone(w.row("from").Data)
		w.table.Put("to", r)
		info, err := a.GetLock(bg, "to")
		must(t, err)
		matchesOnly(t, "moved", info.DataErr, dynalock.ErrDecrypt)
	})
}
