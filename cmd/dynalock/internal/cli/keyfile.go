package cli

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/kmdeveloping/dynalock"
)

// readKeys reads AES keys, one a line in base64 or hex; empty lines and those
// that begin with # are left out. What a line holds is never repeated in an
// error.
func readKeys(path string) (dynalock.AEAD, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("--encryption-key-file: %w", err)
	}
	var keys [][]byte
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key := decodeKey(line)
		if key == nil {
			return nil, usagef("--encryption-key-file: line %d of %s is no AES key: 16, 24 or 32 bytes in base64 or hex (openssl rand -base64 32)", n, path)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, usagef("--encryption-key-file: %s holds no key (openssl rand -base64 32 > %s)", path, quote(path))
	}
	aead, err := dynalock.NewAESGCM(keys[0], keys[1:]...)
	if err != nil {
		return nil, fmt.Errorf("--encryption-key-file: %w", err)
	}
	return aead, nil
}

// decodeKey tries hex first: a key in hex may be valid base64 of another length.
func decodeKey(line string) []byte {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		key, err := decode(line)
		if err == nil && (len(key) == 16 || len(key) == 24 || len(key) == 32) {
			return key
		}
	}
	return nil
}
