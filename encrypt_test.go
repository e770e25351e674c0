package dynalock_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

var secretData = []byte("a secret of forty-two bytes, no more, no less")

// key gives an AES key of that many bytes, all of them n.
func key(size int, n byte) []byte { return bytes.Repeat([]byte{n}, size) }

func aesGCM(t *testing.T, primary []byte, older ...[]byte) dynalock.ClientOption {
	t.Helper()
	aead, err := dynalock.NewAESGCM(primary, older...)
	must(t, err)
	return dynalock.WithDataEncryption(aead)
}

// Whatever way data goes in, it is not in the table in the clear, and comes
// out as it was.
func TestEncryption(t *testing.T) {
	for _, size := range []int{16, 24, 32} {
		bubble(t, func(t *testing.T, w *world) {
			a, same := w.machine("a", aesGCM(t, key(size, 1))), w.machine("a", aesGCM(t, key(size, 1)))
			check := func(what string, got, want []byte) {
				t.Helper()
				r := w.row("k")
				if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
					t.Errorf("%s: %q, want %q", what, got, want)
				}
				if !r.Sealed || len(want) > 0 && bytes.Contains(r.Data, want) || len(r.Data) < len(want)+12+16 {
					t.Errorf("%s: stored as %q, sealed %v", what, r.Data, r.Sealed)
				}
			}
			l := a.take("k", dynalock.WithData(secretData))
			check("acquire", l.Data(), secretData)
			must(t, l.Update(bg, append(secretData, '2')))
			check("update", l.Data(), append(secretData, '2'))
			must(t, same.UpdateLock(bg, "k", secretData))
			info, err := a.GetLock(bg, "k")
			must(t, err)
			check("by key", info.Data, secretData)
			for info := range a.Locks(bg) {
				check("list", info.Data, secretData)
			}
			m, err := same.ResumeLock(bg, "k", dynalock.WithData([]byte{}))
			must(t, err)
			check("no bytes", m.Data(), []byte{})
			n, err := same.AttachLock(bg, m.Handle())
			must(t, err)
			check("attached", n.Data(), []byte{})
			must(t, m.Update(bg, nil))
			if r := w.row("k"); r.Data != nil || r.Sealed || m.Data() != nil {
				t.Errorf("nil was stored as %q", r.Data)
			}
		})
	}
}

// The same text is stored as another one each time.
func TestEncryptionIsRandom(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a", aesGCM(t, key(32, 1))).take("k")
		seen := map[string]bool{}
		for range 100 {
			must(t, l.Update(bg, secretData))
			seen[string(w.row("k").Data)] = true
		}
		if len(seen) != 100 {
			t.Errorf("%d texts of 100", len(seen))
		}
	})
}

// A new key goes first, the old one still opens; without it nothing does.
func TestKeyRotation(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		former := w.machine("a", aesGCM(t, key(32, 1)))
		must(t, former.take("k", dynalock.WithData(secretData)).Release(bg))
		both := w.machine("a", aesGCM(t, key(16, 2), key(32, 1)))
		l := both.take("k")
		if !bytes.Equal(l.Data(), secretData) {
			t.Errorf("%q", l.Data())
		}
		must(t, l.Update(bg, secretData))
		newOnly := w.machine("a", aesGCM(t, key(16, 2)))
		if info, err := newOnly.GetLock(bg, "k"); err != nil || !bytes.Equal(info.Data, secretData) {
			t.Errorf("%v %q", err, info.Data)
		}
		info, err := former.GetLock(bg, "k")
		must(t, err)
		matchesOnly(t, "the old key alone", info.DataErr, dynalock.ErrDecrypt)
		if info.Data != nil {
			t.Errorf("%q", info.Data)
		}
	})
}

// undecryptable are ways in which a record's data cannot be what it should be.
func undecryptable(t *testing.T, w *world) map[string][]dynalock.ClientOption {
	t.Helper()
	right := aesGCM(t, key(32, 1))
	a := w.machine("a", right)
	for _, k := range []string{"wrong key", "no key", "altered", "another context", "moved", "cut", "plaintext"} {
		must(t, a.take(k, dynalock.WithData(secretData)).Release(bg))
	}
	must(t, a.take("elsewhere", dynalock.WithData(secretData)).Release(bg))
	edit := func(k string, f func([]byte) []byte) {
		r := w.row(k)
		r.Data = f(r.Data)
		r.Sealed = k != "plaintext"
		w.table.Put(k, r)
	}
	edit("altered", func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	edit("moved", func([]byte) []byte { return w.row("elsewhere").Data })
	edit("cut", func(b []byte) []byte { return b[:5] })
	edit("plaintext", func([]byte) []byte { return secretData })
	return map[string][]dynalock.ClientOption{
		"wrong key": {aesGCM(t, key(32, 2))}, "no key": nil,
		"altered": {right}, "moved": {right}, "cut": {right}, "plaintext": {right},
		"another context": {right, dynalock.WithEncryptionContext("another")},
	}
}

// Data that does not decrypt: the lock is given back, the data is kept, also
// if it was to be deleted, and no promise of HoldAtLeast is made.
func TestUndecryptable(t *testing.T) {
	for name, opts := range map[string]options{
		"plain": nil, "delete": {dynalock.DeleteOnRelease()}, "live": {dynalock.KeepAlive()}, "hold": {dynalock.HoldAtLeast(time.Hour)},
	} {
		bubble(t, func(t *testing.T, w *world) {
			for k, settings := range undecryptable(t, w) {
				b, what, before := w.machine("b", settings...), name+": "+k, w.row(k)
				l, err := b.AcquireLock(bg, k, opts...)
				matchesOnly(t, what, err, dynalock.ErrDecrypt)
				if r := w.row(k); l != nil || r == nil || !r.Released || !bytes.Equal(r.Data, before.Data) || r.Sealed != before.Sealed {
					t.Errorf("%s: %v, %+v", what, l, r)
				}
				if err != nil && strings.Contains(err.Error(), string(secretData)) {
					t.Errorf("%s: the error tells the data: %v", what, err)
				}
				info, err := b.GetLock(bg, k)
				must(t, err)
				matchesOnly(t, what+", read", info.DataErr, dynalock.ErrDecrypt)
				if info.Data != nil {
					t.Errorf("%s: %q", what, info.Data)
				}
				// Who brings data of his own does not need what is there.
				b.take(k, dynalock.WithData([]byte("new")))
			}
		})
	}
}

// Nothing is changed where what is there has to be read first.
func TestUndecryptableResumeAndAttach(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.machine("a", aesGCM(t, key(32, 1))).take("k", dynalock.WithData(secretData))
		same := w.machine("a", aesGCM(t, key(32, 2)))
		_, err := same.ResumeLock(bg, "k")
		matchesOnly(t, "ResumeLock", err, dynalock.ErrDecrypt)
		_, err = same.AttachLock(bg, l.Handle())
		matchesOnly(t, "AttachLock", err, dynalock.ErrDecrypt)
		if r := w.row("k"); r.Seq != 1 || r.Released {
			t.Errorf("%+v", r)
		}
		must(t, l.Renew(bg))
		for info, err := range same.Locks(bg) {
			must(t, err)
			matchesOnly(t, "Locks", info.DataErr, dynalock.ErrDecrypt)
		}
	})
}

// A takeover that finds undecryptable data leaves a free lock, not a dead one.
func TestUndecryptableTakeover(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a", aesGCM(t, key(32, 1))).take("k", dynalock.WithData(secretData), dynalock.WithLease(time.Second))
		time.Sleep(time.Minute)
		_, err := w.machine("b", aesGCM(t, key(32, 2))).AcquireLock(bg, "k")
		matchesOnly(t, "takeover", err, dynalock.ErrDecrypt)
		if l := w.machine("c", aesGCM(t, key(32, 1))).take("k"); !bytes.Equal(l.Data(), secretData) {
			t.Errorf("%q", l.Data())
		}
	})
}

// Plaintext of before is read where that was asked for, and stored sealed from
// then on.
func TestAllowPlaintextData(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		must(t, w.machine("a").take("k", dynalock.WithData(secretData)).Release(bg))
		b := w.machine("b", aesGCM(t, key(32, 1)), dynalock.AllowPlaintextData())
		l := b.take("k")
		if !bytes.Equal(l.Data(), secretData) {
			t.Errorf("%q", l.Data())
		}
		must(t, l.Update(bg, l.Data()))
		if r := w.row("k"); !r.Sealed || bytes.Contains(r.Data, secretData) {
			t.Errorf("%q", r.Data)
		}
	})
}

// A table restored under another name is read with the old one as context.
func TestWithEncryptionContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		enc := aesGCM(t, key(32, 1))
		must(t, w.machine("a", enc).take("k", dynalock.WithData(secretData)).Release(bg))
		restored := newWorld(t, inScope("restored"))
		restored.table.Put("k", w.row("k"))
		_, err := restored.machine("a", enc).AcquireLock(bg, "k")
		matchesOnly(t, "under the new name", err, dynalock.ErrDecrypt)
		l := restored.machine("a", enc, dynalock.WithEncryptionContext("memory")).take("k")
		if !bytes.Equal(l.Data(), secretData) {
			t.Errorf("%q", l.Data())
		}
	})
}

func TestNewAESGCM(t *testing.T) {
	for _, size := range []int{0, 1, 15, 17, 31, 33, 64} {
		aead, err := dynalock.NewAESGCM(key(size, 1))
		if aead != nil {
			t.Errorf("%d bytes made an AEAD", size)
		}
		matchesOnly(t, fmt.Sprint(size, " bytes"), err, dynalock.ErrInvalidOption)
		_, err = dynalock.NewAESGCM(key(32, 1), key(16, 2), key(size, 3))
		matchesOnly(t, fmt.Sprint(size, " bytes, older"), err, dynalock.ErrInvalidOption)
	}
	_, err := dynalock.NewAESGCM(nil)
	matchesOnly(t, "nil", err, dynalock.ErrInvalidOption)
	// The bytes are the caller's: what he does with them later changes nothing.
	k := key(32, 1)
	aead, err := dynalock.NewAESGCM(k)
	must(t, err)
	sealed, err := aead.Encrypt(secretData, []byte("bound to"))
	must(t, err)
	clear(k)
	if got, err := aead.Decrypt(sealed, []byte("bound to")); err != nil || !bytes.Equal(got, secretData) {
		t.Errorf("%q %v", got, err)
	}
	for i := range sealed {
		sealed[i] ^= 1
		if _, err := aead.Decrypt(sealed, []byte("bound to")); err == nil {
			t.Errorf("byte %d altered, and decrypted", i)
		}
		sealed[i] ^= 1
	}
}

// What an AEAD says of the data stays between us.
func TestLeakyAEAD(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("x", aesGCM(t, key(32, 1))).take("k", dynalock.WithData(secretData), dynalock.WithLease(time.Second))
		stored := string(w.row("k").Data)
		time.Sleep(time.Minute)
		a := w.machine("a", dynalock.WithDataEncryption(&leakyAEAD{}))
		_, decrypt := a.AcquireLock(bg, "k")
		matchesOnly(t, "decrypt", decrypt, dynalock.ErrDecrypt)
		_, encrypt := a.AcquireLock(bg, "new", dynalock.WithData(secretData))
		if encrypt == nil || w.row("new") != nil {
			t.Error("taken, though the data cannot be stored")
		}
		for err := decrypt; err != nil; err = errors.Unwrap(err) {
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, string(secretData)) || strings.Contains(text, stored) {
				t.Errorf("the error tells the data: %s", text)
			}
		}
	})
}
