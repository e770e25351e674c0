package running_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A decrypter is what of KMS is needed; *kms.Client is one.
type decrypter interface {
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

var _ decrypter = (*kms.Client)(nil)

// aeadFromKMS makes an AEAD of data keys that KMS wrapped.
func aeadFromKMS(ctx context.Context, api decrypter, wrapped ...[]byte) (dynalock.AEAD, error) {
	var keys [][]byte // the first encrypts, all decrypt
	for _, blob := range wrapped {
		out, err := api.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})
		if err != nil {
			return nil, err
		}
		keys = append(keys, out.Plaintext)
	}
	if len(keys) == 0 {
		return nil, errors.New("no data key is configured")
	}
	return dynalock.NewAESGCM(keys[0], keys[1:]...)
}

// fakeKMS wraps a key by turning it around.
type fakeKMS struct{}

func (fakeKMS) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	key := slices.Clone(in.CiphertextBlob)
	slices.Reverse(key)
	return &kms.DecryptOutput{Plaintext: key}, nil
}

var (
	oldKey = bytes.Repeat([]byte("old!"), 8)
	newKey = bytes.Repeat([]byte("new?"), 8)
)

func wrap(key []byte) []byte {
	out, err := fakeKMS{}.Decrypt(context.Background(), &kms.DecryptInput{CiphertextBlob: key})
	if err != nil {
		panic(err)
	}
	return out.Plaintext
}

func firstRollout() (dynalock.AEAD, error) {
	all, err := dynalock.NewAESGCM(oldKey, newKey) // 1: everybody can read both
	return all, err
}

func secondRollout() (dynalock.AEAD, error) {
	all, err := dynalock.NewAESGCM(newKey, oldKey) // 2: everybody writes with the new one
	return all, err
}

// stage gives a client of the table, of one owner name, with those keys.
func stage(t *testing.T, table *memstore.Store, aead dynalock.AEAD, err error) *dynalock.Client {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c := dynalock.New(table, dynalock.WithLockOwnerName("o"), dynalock.WithDataEncryption(aead))
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func take(t *testing.T, c *dynalock.Client, opts ...dynalock.AcquireOption) ([]byte, error) {
	t.Helper()
	lock, err := c.AcquireLock(t.Context(), "k", opts...)
	if err != nil {
		return nil, err
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Error(err)
	}
	return lock.Data(), nil
}

// In two rollouts no client meets data that it cannot read; in one it does.
func TestRotation(t *testing.T) {
	t.Parallel()
	table := memstore.New()
	aead, err := dynalock.NewAESGCM(oldKey)
	before := stage(t, table, aead, err)
	aead, err = aeadFromKMS(t.Context(), fakeKMS{}, wrap(oldKey), wrap(newKey))
	first := stage(t, table, aead, err)
	aead, err = secondRollout()
	second := stage(t, table, aead, err)
	aead, err = dynalock.NewAESGCM(newKey)
	after := stage(t, table, aead, err)

	for i, c := range []*dynalock.Client{before, first} {
		if _, err := take(t, c, dynalock.WithData([]byte("secret"))); err != nil {
			t.Fatal(err)
		}
		for j, reader := range []*dynalock.Client{before, first, second} {
			if data, err := take(t, reader); err != nil || string(data) != "secret" {
				t.Errorf("written at %d, read at %d: %q, %v", i, j, data, err)
			}
		}
		if _, err := take(t, after); !errors.Is(err, dynalock.ErrDecrypt) {
			t.Errorf("written at %d, without the old key: %v", i, err)
		}
	}
	if _, err := take(t, second, dynalock.WithData([]byte("secret"))); err != nil {
		t.Fatal(err)
	}
	for j, reader := range []*dynalock.Client{first, second, after} {
		if data, err := take(t, reader); err != nil || string(data) != "secret" {
			t.Errorf("written at last, read at %d: %q, %v", j+1, data, err)
		}
	}
	if _, err := take(t, before); !errors.Is(err, dynalock.ErrDecrypt) {
		t.Errorf("a rollout was left out: %v", err)
	}
	if aead, err := firstRollout(); aead == nil || err != nil {
		t.Error(err)
	}
	if _, err := aeadFromKMS(t.Context(), fakeKMS{}); err == nil {
		t.Error("no key, and no error")
	}
}

// A copy of the table under another name needs the old one's context; data in
// the clear needs AllowPlaintextData.
func TestContextAndPlaintext(t *testing.T) {
	t.Parallel()
	table := memstore.New(memstore.WithScope("locks"))
	aead, err := firstRollout()
	if _, err := take(t, stage(t, table, aead, err), dynalock.WithData([]byte("secret"))); err != nil {
		t.Fatal(err)
	}
	restored := memstore.New(memstore.WithScope("locks-restored"))
	restored.Put("k", table.Peek("k"))
	if _, err := take(t, stage(t, restored, aead, nil)); !errors.Is(err, dynalock.ErrDecrypt) {
		t.Errorf("under another name: %v", err)
	}
	knows := dynalock.New(restored, dynalock.WithDataEncryption(aead), dynalock.WithEncryptionContext("locks"))
	if data, err := take(t, knows); err != nil || string(data) != "secret" {
		t.Errorf("with the old name: %q, %v", data, err)
	}

	clear := dynalock.New(restored)
	if _, err := take(t, clear, dynalock.WithData([]byte("in the clear"))); err != nil {
		t.Fatal(err)
	}
	if _, err := take(t, knows); !errors.Is(err, dynalock.ErrDecrypt) {
		t.Errorf("data in the clear: %v", err)
	}
	allows := dynalock.New(restored, dynalock.WithDataEncryption(aead), dynalock.AllowPlaintextData())
	if data, err := take(t, allows); err != nil || string(data) != "in the clear" {
		t.Errorf("data in the clear, allowed: %q, %v", data, err)
	}
}
