package dynalock

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// handleOf gives the handle of a tenure as Lock.Handle writes it.
func handleOf(scope, key string, nonce lockstore.Nonce, token int64) string {
	l := &Lock{c: New(memstore.New(memstore.WithScope(scope))), key: key, nonce: nonce, token: token}
	return l.Handle()
}

// Whatever a handle's text is, reading it does no harm; and what can be read
// is exactly what would be written, so that no two texts name one tenure.
func FuzzParseHandle(f *testing.F) {
	const nonce = lockstore.Nonce("0123456789abcdef")
	good := handleOf("table", "key", nonce, 1)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good + "\n") // which base64 would skip
	f.Add(handleOf("", "key", nonce, 1<<50))
	f.Add(handleOf("table", "", nonce, 1))
	f.Add(handleOf("table", "dynalock:x", nonce, -1))
	f.Add(handleOf("table", "key", nonce+"0", 0))
	f.Add("dynalock2.xyz")
	f.Add(handlePrefix + base64.RawURLEncoding.EncodeToString([]byte{0xff, 0xff, 0xff, 0xff}))
	f.Fuzz(func(t *testing.T, text string) {
		scope, key, of, err := parseHandle(text)
		if err != nil {
			if scope != "" || key != "" || of != (tenureName{}) {
				t.Errorf("both an error and %q %q", scope, key)
			}
			return
		}
		if again := handleOf(scope, key, of.nonce, of.token); again != text {
			t.Errorf("%q was read, and would be written as %q", text, again)
		}
		if len(of.nonce) != nonceBytes || of.token < 0 || checkText(key) != nil {
			t.Errorf("nonce of %d bytes, token %d, key %q", len(of.nonce), of.token, key)
		}
	})
}

// What is written can be read, whatever the parts are; with one byte of it
// another, it cannot.
func FuzzHandle(f *testing.F) {
	f.Add("table", "key", []byte("0123456789abcdef"), int64(1), uint16(0), byte(1))
	f.Add("", "é", []byte{15: 0}, int64(0), uint16(50), byte(0x20))
	f.Add("t", "k", []byte{15: 0xff}, int64(1)<<62, uint16(60000), byte('A'^'B'))
	f.Fuzz(func(t *testing.T, scope, key string, nonce []byte, token int64, at uint16, flip byte) {
		if len(nonce) != nonceBytes || token < 0 || checkText(key) != nil || len(scope) > 255 {
			return
		}
		text := handleOf(scope, key, lockstore.Nonce(nonce), token)
		s, k, n, err := parseHandle(text)
		if err != nil || s != scope || k != key || string(n.nonce) != string(nonce) || n.token != token {
			t.Errorf("%q %q: %q %q %v", scope, key, s, k, err)
		}
		damaged := []byte(text)
		damaged[int(at)%len(damaged)] ^= flip
		if _, _, _, err := parseHandle(string(damaged)); flip != 0 && !errors.Is(err, ErrInvalidHandle) {
			t.Errorf("%q was read, %v, though it is %q damaged", damaged, err, text)
		}
	})
}
