package dynalock

import (
	"encoding/base64"
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// handleOf gives the handle of a tenure as Lock.Handle writes it.
func handleOf(scope, key string, nonce lockstore.Nonce) string {
	l := &Lock{c: New(memstore.New(memstore.WithScope(scope))), key: key, nonce: nonce}
	return l.Handle()
}

// Whatever a handle's text is, reading it does no harm; and what can be read
// is exactly what would be written, so that no two texts name one tenure.
func FuzzParseHandle(f *testing.F) {
	const nonce = lockstore.Nonce("0123456789abcdef")
	good := handleOf("table", "key", nonce)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good + "\n") // which base64 would skip
	f.Add(handleOf("", "key", nonce))
	f.Add(handleOf("table", "", nonce))
	f.Add(handleOf("table", "dynalock:x", nonce))
	f.Add(handleOf("table", "key", nonce+"0"))
	f.Add("dynalock2.xyz")
	f.Add(handlePrefix + base64.RawURLEncoding.EncodeToString([]byte{0xff, 0xff, 0xff, 0xff}))
	f.Fuzz(func(t *testing.T, text string) {
		scope, key, nonce, err := parseHandle(text)
		if err != nil {
			if scope != "" || key != "" || nonce != "" {
				t.Errorf("both an error and %q %q", scope, key)
			}
			return
		}
		if again := handleOf(scope, key, nonce); again != text {
			t.Errorf("%q was read, and would be written as %q", text, again)
		}
		if len(nonce) != nonceBytes || checkText(key) != nil {
			t.Errorf("nonce of %d bytes, key %q", len(nonce), key)
		}
	})
}

// What is written can be read, whatever the parts are.
func FuzzHandle(f *testing.F) {
	f.Add("table", "key", []byte("0123456789abcdef"))
	f.Add("", "é", []byte{15: 0})
	f.Fuzz(func(t *testing.T, scope, key string, nonce []byte) {
		if len(nonce) != nonceBytes || checkText(key) != nil || len(scope) > 255 {
			return
		}
		s, k, n, err := parseHandle(handleOf(scope, key, lockstore.Nonce(nonce)))
		if err != nil || s != scope || k != key || string(n) != string(nonce) {
			t.Errorf("%q %q: %q %q %v", scope, key, s, k, err)
		}
	})
}
