package tests_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// WithDataEncryption takes Tink's AEAD as it is: its interface is Tink's.

var ever = context.Background()

func newKeyset(t *testing.T) *keyset.Handle {
	t.Helper()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// rotate gives the keyset with another key in front, which encrypts from now on.
func rotate(t *testing.T, h *keyset.Handle) *keyset.Handle {
	t.Helper()
	m := keyset.NewManagerFromHandle(h)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetPrimary(id); err != nil {
		t.Fatal(err)
	}
	rotated, err := m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	return rotated
}

// client gives a client of one owner whose data that keyset encrypts.
func client(t *testing.T, store *memstore.Store, h *keyset.Handle) *dynalock.Client {
	t.Helper()
	primitive, err := aead.New(h)
	if err != nil {
		t.Fatal(err)
	}
	c := dynalock.New(store, dynalock.WithLockOwnerName("o"), dynalock.WithDataEncryption(primitive))
	t.Cleanup(func() {
		if err := c.Close(ever); err != nil {
			t.Error(err)
		}
	})
	return c
}

// reads fails the test unless the client reads that from the key.
func reads(t *testing.T, c *dynalock.Client, key, want string) {
	t.Helper()
	info, err := c.GetLock(ever, key)
	if err != nil || info.DataErr != nil || string(info.Data) != want {
		t.Errorf("%+v, %v, want %q", info, err, want)
	}
}

func TestTinkRoundTrip(t *testing.T) {
	store := memstore.New()
	keys := newKeyset(t)
	c := client(t, store, keys)
	secret := []byte("the secret")
	l, err := c.AcquireLock(ever, "k", dynalock.WithData(secret))
	if err != nil {
		t.Fatal(err)
	}
	if stored := store.Peek("k").Data; len(stored) == 0 || bytes.Contains(stored, secret) {
		t.Errorf("stored as %q", stored)
	}
	reads(t, c, "k", "the secret")
	if err := l.Update(ever, []byte("another")); err != nil {
		t.Fatal(err)
	}
	other := client(t, store, keys) // another process with the same keys
	reads(t, other, "k", "another")
	if err := l.Release(ever); err != nil {
		t.Fatal(err)
	}
	if l, err = other.AcquireLock(ever, "k"); err != nil || string(l.Data()) != "another" {
		t.Errorf("%v with %q, %v", l, l.Data(), err)
	}
}

func TestTinkWrongKeyset(t *testing.T) {
	store := memstore.New()
	c, stranger := client(t, store, newKeyset(t)), client(t, store, newKeyset(t))
	l, err := c.AcquireLock(ever, "k", dynalock.WithData([]byte("secret")))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := stranger.GetLock(ever, "k"); err != nil || info.Data != nil || !errors.Is(info.DataErr, dynalock.ErrDecrypt) {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := stranger.ResumeLock(ever, "k"); !errors.Is(err, dynalock.ErrDecrypt) || !l.Held() {
		t.Errorf("resume: %v", err)
	}
	if err := l.Release(ever); err != nil {
		t.Fatal(err)
	}
	// The lock is given back, and the data stays for whoever has the keys.
	if l, err := stranger.AcquireLock(ever, "k"); l != nil || !errors.Is(err, dynalock.ErrDecrypt) {
		t.Errorf("acquire: %v, %v", l, err)
	}
	if l, err = c.AcquireLock(ever, "k"); err != nil || string(l.Data()) != "secret" {
		t.Errorf("%v, %v", l, err)
	}
}

// A ciphertext belongs to its lock: under another key it is none.
func TestTinkBoundToTheKey(t *testing.T) {
	keys := newKeyset(t)
	primitive, err := aead.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	store := memstore.New()
	c := client(t, store, keys)
	if _, err := c.AcquireLock(ever, "k", dynalock.WithData([]byte("secret"))); err != nil {
		t.Fatal(err)
	}
	for _, context := range [][]byte{nil, []byte("k")} {
		if _, err := primitive.Decrypt(store.Peek("k").Data, context); err == nil {
			t.Errorf("it decrypts with the context %q", context)
		}
	}
}

func TestTinkRotatedKeyset(t *testing.T) {
	store := memstore.New()
	keys := newKeyset(t)
	before, after := client(t, store, keys), client(t, store, rotate(t, keys))
	l, err := before.AcquireLock(ever, "k", dynalock.WithData([]byte("old")))
	if err != nil {
		t.Fatal(err)
	}
	reads(t, after, "k", "old")
	if err := after.UpdateLock(ever, "k", []byte("new")); err != nil {
		t.Fatal(err)
	}
	reads(t, after, "k", "new")
	// Who has not got the new key yet cannot read, but can release.
	if info, err := before.GetLock(ever, "k"); err != nil || !errors.Is(info.DataErr, dynalock.ErrDecrypt) {
		t.Errorf("%+v, %v", info, err)
	}
	if err := l.Release(ever); err != nil {
		t.Error(err)
	}
}
