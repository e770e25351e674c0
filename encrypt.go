package dynalock

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// An AEAD encrypts a lock's data. Tink's AEAD primitives fit, and so does
// [NewAESGCM]. Implementations are safe for concurrent use. What they say of a
// failure may repeat the data, so it is left out of errors and logs; an error of
// Encrypt can be had with errors.As.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// NewAESGCM gives an AEAD of AES-GCM with a random 96-bit nonce before each
// ciphertext. primary encrypts; primary and older decrypt, so a key is rotated
// by putting the new one first. Keys have 16, 24 or 32 bytes.
//
// A key may encrypt 2^32 times (NIST SP 800-38D, section 8.3): at a write a
// second that is 136 years.
func NewAESGCM(primary []byte, older ...[]byte) (AEAD, error) {
	a := make(aesGCM, 0, 1+len(older))
	for i, key := range append([][]byte{primary}, older...) {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, invalidOption("key %d for AES has %d bytes, not 16, 24 or 32", i+1, len(key))
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("dynalock: %w", err)
		}
		a = append(a, gcm)
	}
	return a, nil
}

type aesGCM []cipher.AEAD

func (a aesGCM) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	sealed := make([]byte, a[0].NonceSize(), a[0].NonceSize()+len(plaintext)+a[0].Overhead())
	if _, err := rand.Read(sealed); err != nil {
		return nil, err
	}
	return a[0].Seal(sealed, sealed, plaintext, associatedData), nil
}

var errSealed = errors.New("altered, moved, or sealed with another key")

func (a aesGCM) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	for _, gcm := range a {
		if len(ciphertext) < gcm.NonceSize() {
			break
		}
		nonce, rest := ciphertext[:gcm.NonceSize()], ciphertext[gcm.NonceSize():]
		if plain, err := gcm.Open(nil, nonce, rest, associatedData); err == nil {
			return plain, nil
		}
	}
	return nil, errSealed
}

// bind is what a ciphertext is good for: data of that key in that context
// (the table, by default). Each part is preceded by its length, so that no two
// lists of parts give the same bytes.
func (c *Client) bind(key string) []byte {
	var b []byte
	for _, part := range []string{"dynalock/v1", "data", c.encryptionContext(), key} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

func (c *Client) encryptionContext() string {
	if c.set.encryptionContext != "" {
		return c.set.encryptionContext
	}
	return c.store.Info().Scope
}

// seal gives the change that stores data, encrypted where the client has a key.
func (c *Client) seal(key string, data []byte) (*lockstore.SetData, error) {
	if c.set.aead == nil || data == nil {
		return &lockstore.SetData{Bytes: data}, nil
	}
	sealed, err := c.set.aead.Encrypt(data, c.bind(key))
	if err != nil {
		return nil, &cipherError{key, err}
	}
	if sealed == nil {
		sealed = []byte{}
	}
	return &lockstore.SetData{Bytes: sealed, Sealed: true}, nil
}

// A cipherError stands for what an AEAD said of data that it did not encrypt,
// which may repeat the data: it is there for errors.Is and errors.As, and shows
// in no text. Nor does it look like the end of the caller's context.
type cipherError struct {
	key string
	err error
}

func (e *cipherError) Error() string {
	return "dynalock: data of lock " + quote(e.key) + " cannot be encrypted: the cipher failed"
}

// Format writes the text, whatever the verb: some go through the fields.
func (e *cipherError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

func (e *cipherError) Is(target error) bool {
	return target != context.Canceled && target != context.DeadlineExceeded && errors.Is(e.err, target)
}

func (e *cipherError) As(target any) bool { return errors.As(e.err, target) }

// open gives the data of a record. Its errors say nothing of the data, and
// hide what an AEAD may say of it.
func (c *Client) open(key string, r *lockstore.Record) ([]byte, error) {
	switch {
	case r.DataErr != nil:
		return nil, r.DataErr
	case r.Data == nil:
		return nil, nil
	case !r.Sealed && (c.set.aead == nil || c.set.allowPlaintext):
		return clone(r.Data), nil
	case !r.Sealed:
		return nil, fmt.Errorf("%w: that of lock %q is not encrypted; AllowPlaintextData lets it be read", ErrDecrypt, key)
	case c.set.aead == nil:
		return nil, fmt.Errorf("%w: that of lock %q is encrypted, and the client has no key; give it one by WithDataEncryption", ErrDecrypt, key)
	}
	plain, err := c.set.aead.Decrypt(r.Data, c.bind(key))
	if err != nil {
		return nil, fmt.Errorf("%w: that of lock %q was altered or moved, or sealed with another key or context", ErrDecrypt, key)
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}
