package dynalock

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Whatever is stored as sealed data opens as what was sealed for that key in
// that context, or is ErrDecrypt, which says nothing of it.
func FuzzOpen(f *testing.F) {
	client := func(scope string, keys ...byte) *Client {
		aesKeys := make([][]byte, len(keys))
		for i, k := range keys {
			aesKeys[i] = bytes.Repeat([]byte{k}, 32)
		}
		aead, err := NewAESGCM(aesKeys[0], aesKeys[1:]...)
		if err != nil {
			f.Fatal(err)
		}
		return New(memstore.New(memstore.WithScope(scope)), WithDataEncryption(aead))
	}
	c, rotated := client("here", 1), client("here", 2, 1)
	others := map[string]*Client{"another AES key": client("here", 2), "another table": client("there", 1)}
	f.Add("key", "other", []byte("data"), []byte("sealed"), uint16(0), byte(1))
	f.Add("", "\x00", []byte{}, []byte{}, uint16(12), byte(0x80))
	f.Add("dataherek", "k", bytes.Repeat([]byte("x"), 100), make([]byte, 28), uint16(60), byte(0xff))
	f.Fuzz(func(t *testing.T, key, other string, data, stored []byte, at uint16, flip byte) {
		refused := func(what string, c *Client, key string, sealed []byte) {
			t.Helper()
			plain, err := c.open(key, &lockstore.Record{Data: sealed, Sealed: true})
			if plain != nil || !errors.Is(err, ErrDecrypt) || len(data) > 12 && strings.Contains(strings.ReplaceAll(err.Error(), key, ""), string(data)) {
				t.Errorf("%s: %q, %v", what, plain, err)
			}
		}
		if stored != nil { // none is no data
			refused("any bytes", rotated, key, stored)
		}
		if data == nil {
			return
		}
		set, err := c.seal(key, data)
		if err != nil || !set.Sealed {
			t.Fatal(set, err)
		}
		for _, c := range []*Client{c, rotated} {
			if plain, err := c.open(key, &lockstore.Record{Data: set.Bytes, Sealed: true}); err != nil || !bytes.Equal(plain, data) || plain == nil {
				t.Errorf("%q opened as %q, %v", data, plain, err)
			}
		}
		for what, c := range others {
			refused(what, c, key, set.Bytes)
		}
		if other != key {
			refused("another lock", c, other, set.Bytes)
		}
		refused("cut", c, key, set.Bytes[:int(at)%len(set.Bytes)])
		if set.Bytes[int(at)%len(set.Bytes)] ^= flip; flip != 0 {
			refused("altered", c, key, set.Bytes)
		}
	})
}
