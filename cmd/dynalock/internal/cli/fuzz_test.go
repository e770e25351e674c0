package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kmdeveloping/dynalock"
)

// A span is refused or lies between none and 100 years; and it is written as a
// text that is read as the same span.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{
		"90s", "30d", "0.5d", "1h30m", "", "x", "5", "-1d", "-5s", "NaNd", "Infd", "1e9d", "d", "0x1p-2d", "1_0d", "36500d", "876000h", "876000h1ns",
		"2562047h47m16.854775807s", "1e-300d", "+1d", "٣d", "1µs", "24h0.5s",
	} {
		f.Add(text, int64(len(text))*int64(time.Hour))
	}
	f.Fuzz(func(t *testing.T, text string, n int64) {
		if d, err := parseDuration(text); err == nil {
			if d < 0 || d > 36500*24*time.Hour {
				t.Errorf("%q is taken for %v", text, d)
			}
			n = int64(d)
		}
		n &= 1<<61 - 1 // 73 years: whatever that is, it can be asked for
		var d time.Duration
		v := duration{&d}
		if err := v.Set(short(time.Duration(n))); err != nil || int64(d) != n {
			t.Errorf("%d is written %q and read as %d, %v", n, short(time.Duration(n)), d, err)
		}
		if again := v.String(); n != 0 && again != short(time.Duration(n)) {
			t.Errorf("%d is shown as %q", n, again)
		}
		if utf8.RuneCountInString(rough(time.Duration(n))) > 9 {
			t.Errorf("%d is roughly %q, too wide for its column", n, rough(time.Duration(n)))
		}
	})
}

// A store's name is refused as a mistake of the user's, or is one of the two
// kinds with a place, and is written as it was given.
func FuzzStore(f *testing.F) {
	for _, text := range []string{
		"sqlite:locks.db", "dynamodb:locks", "sqlite:", "dynamodb", ":", "", "sqlite:a:b", "SQLITE:x", " sqlite:x", "sqlite:\x00", "s3:bucket", "dynamodb:arn:aws:dynamodb:r:1:table/t",
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	state := "XDG_STATE_HOME=" + f.TempDir()
	f.Fuzz(func(t *testing.T, text string, flag bool) {
		a := &app{Env: Env{Environ: []string{state}}}
		if flag {
			a.flags.store = text
		} else {
			a.Environ = append(a.Environ, "DYNALOCK_STORE="+text)
		}
		spec, err := a.parseStore()
		switch _, usage := errors.AsType[usageError](err); {
		case err != nil:
			if !usage || spec != (storeSpec{}) || !printable(err.Error()) {
				t.Errorf("%q: %+v, %v", text, spec, err)
			}
		case text == "":
			if spec.kind != kindSQLite || !filepath.IsAbs(spec.place) {
				t.Errorf("the default is %v", spec)
			}
		case spec.String() != text || spec.place == "" || spec.kind != kindSQLite && spec.kind != kindDynamoDB:
			t.Errorf("%q is %+v", text, spec)
		}
	})
}

// A file of keys gives a cipher that opens what it sealed, or a mistake that
// tells nothing of what is in it.
func FuzzKeyFile(f *testing.F) {
	for _, text := range []string{
		"", "# nothing\n\n", strings.Repeat("0f", 16), strings.Repeat("A", 43) + "=\n# old\n" + strings.Repeat("B", 22) + "==", "not a key at all",
		strings.Repeat("_", 43) + "\r\n", strings.Repeat("0f", 17), "\xff\x00",
	} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "keys")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		aead, err := readKeys(path)
		if err != nil {
			if _, usage := errors.AsType[usageError](err); !usage || aead != nil {
				t.Fatalf("%v, %v", aead, err)
			}
			for line := range strings.Lines(string(text)) {
				if line = strings.TrimSpace(line); len(line) >= 12 && strings.Contains(strings.ReplaceAll(err.Error(), path, ""), line) && line[0] != '#' {
					t.Errorf("the mistake repeats %q: %v", line, err)
				}
			}
			return
		}
		sealed, err := aead.Encrypt([]byte("data"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := aead.Decrypt(sealed, nil); err != nil || string(plain) != "data" {
			t.Errorf("%q, %v", plain, err)
		}
	})
}

// Whoever writes to the table chooses keys, owner names and data. None of it
// reaches a terminal as a control character, a line of its own, or anything
// that changes how what comes after it is shown.
func FuzzShown(f *testing.F) {
	for _, text := range []string{
		"plain", "two words", "\x1b]0;title\x07", "\x1b[2J", "\u009b2J", "a\bb", "\u202egnp.exe", "a\u2028b", "\x7f", "\r", "\xff", "\ufeff", "\U000e0001", "\"quoted\"", "$(id)", "'",
	} {
		f.Add(text, []byte(text))
	}
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		info := &dynalock.LockInfo{Key: text, Owner: text, State: dynalock.StateHeld, Data: data, Lease: time.Hour}
		held := &dynalock.HeldError{Key: text, Owner: text}
		var a app
		for _, line := range []string{shown(text), dataText(data), lockRow(info), keyArg(text), strings.ReplaceAll(plain(text), "\n", "")} {
			if !printable(line) {
				t.Errorf("%q", line)
			}
		}
		for line := range strings.Lines(lockText(info, true) + a.heldText(held) + "\n") {
			if !printable(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%q", line)
			}
		}
		if n := strings.Count(lockText(info, true), "\n"); n != 6 { // key, state, owner, token, left, data
			t.Errorf("%d lines: %q", n, lockText(info, true))
		}
		var out bytes.Buffer
		a.Stdout, a.Stderr = &out, io.Discard
		if err := a.printJSON(newLockJSON(info, true)); err != nil {
			t.Fatal(err)
		}
		var back lockJSON
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || !printable(strings.TrimSuffix(out.String(), "\n")) {
			t.Errorf("%q, %v", out.Bytes(), err)
		}
		if back.Key != strings.ToValidUTF8(text, "") && utf8.ValidString(text) {
			t.Errorf("%q came back as %q", text, back.Key)
		}
	})
}
