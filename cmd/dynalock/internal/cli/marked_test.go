package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kmdeveloping/dynalock/internal/marktest"
)

// TestMarked: through every command, and what goes wrong with it, nothing of
// data, keys and handles is printed but where it is asked for.
func TestMarked(t *testing.T) {
	const data, secretKey = "MARKED:data/of.a lock", "MARKED:key+of.AES, 32 bytes long"
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	keys := file("keys", base64.StdEncoding.EncodeToString([]byte(secretKey)))
	otherKeys := file("other", hex.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	brokenKeys := file("broken", secretKey+"\n")
	dataFile := file("data", data)
	var paper marktest.Paper
	asked := func(env []string, args ...string) string {
		var out bytes.Buffer
		Main(args, Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &paper, Environ: append(env, "DYNALOCK_STORE=sqlite:"+dir+"/locks.db")})
		return out.String()
	}
	run := func(env []string, args ...string) { _, _ = paper.Write([]byte(asked(env, args...))) }

	// A handle goes to stdout, and data where it is asked for, alone.
	with := func(keyFile string, args ...string) []string {
		return append([]string{"--encryption-key-file", keyFile, "-v"}, args...)
	}
	handle := strings.TrimSpace(asked(nil, with(keys, "acquire", "k", "--owner", "me", "--data-file", dataFile)...))
	if !strings.HasPrefix(handle, "dynalock1.") {
		t.Fatalf("the handle is %q: %s", handle, paper.String())
	}
	if got := asked(nil, with(keys, "get", "k", "--raw-data")...); got != data {
		t.Fatalf("the data is %q: %s", got, paper.String())
	}
	handleFile, cut := file("handle", handle+"\n"), file("cut", handle[:len(handle)-1])
	asked(nil, with(keys, "acquire", "sealed", "--data-file", dataFile)...)
	env := []string{"DYNALOCK_HANDLE=" + handle}
	for _, args := range [][]string{
		{"get", "k"}, {"get", "k", "--json"}, {"ls"}, {"ls", "--json", "--all"}, {"acquire", "k", "--data", data}, {"acquire", "k", "--data", data, "--json"},
		{"run", "k", "--data-file", dataFile, "--", "true"}, {"update", "--handle-file", handleFile, "--data-file", dataFile},
		{"update", "k", "--owner", "me", "--data", data, "--json"}, {"update", "k", "--owner", "other", "--data", data},
		{"renew", "--handle-file", handleFile, "--json"}, {"renew", "--handle-file", cut}, {"renew", "--handle", handle[1:]}, {"renew", handle}, {"get", handle},
		{"update", "other-key", "--handle-file", handleFile, "--data", data}, {"update", "--data", data, "--data-file", dataFile, "--handle", handle},
		{"get", "--no-such-flag", "k"}, {"acquire", "long", "--data", strings.Repeat(data, 30_000)},
	} {
		for _, keyFile := range []string{keys, otherKeys, brokenKeys} {
			run(nil, with(keyFile, args...)...)
			run(env, with(keyFile, args...)...)
		}
		run(nil, args...) // without a key
	}
	for _, show := range []string{"--show-data", "--raw-data"} {
		run(nil, with(otherKeys, "get", "sealed", show)...) // asked for, and not to be had
		run(nil, "get", "sealed", show)
	}
	run(nil, with(keys, "run", "mine", "--data-file", dataFile, "--json", "--pass-handle", "--", "true")...)
	run(nil, with(keys, "run", "mine", "--data-file", dataFile, "--", "false")...)
	run(nil, with(keys, "force-release", "k", "--token", "1")...)
	run(env, with(keys, "release")...)
	run(env, with(keys, "release")...) // too late
	run(nil, with(keys, "force-release", "k", "--yes")...)

	for _, secret := range []string{data, secretKey, base64.StdEncoding.EncodeToString([]byte(secretKey)), hex.EncodeToString([]byte(secretKey)), handle, handle[len(handle)-24:]} {
		if place := paper.Shows(secret); place != "" {
			t.Errorf("it shows %s", place)
		}
	}
	saysAll(t, paper.String(), "is held by", "is damaged", "cannot be decrypted", "no AES key", "lock acquired", "lock released", "that is a handle", `"outcome":"exited"`)
}

// saysAll wants that enough was said to judge by.
func saysAll(t *testing.T, said string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(said, part) {
			t.Errorf("nothing says %q: not enough to judge by", part)
		}
	}
}
