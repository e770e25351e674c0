package sim

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var mutate = flag.String("mutate", "", "run the mutations whose names contain this; all: all of them")

// mutationRuns is how many histories a mutation has to be found in.
const mutationRuns = 1000

// TestMutations breaks the protocol in one place at a time, in a copy that go
// test -overlay puts in place of the file, and wants the test named to fail.
// Without -mutate it looks whether each change still fits the code and stands
// in docs/bugs.md.
func TestMutations(t *testing.T) {
	doc, err := os.ReadFile("../docs/bugs.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(mutations) < 20 {
		t.Errorf("%d mutations, 20 are wanted", len(mutations))
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			changed := m.apply(t)
			if !strings.Contains(string(doc), "| "+m.name+" | ") {
				t.Errorf("docs/bugs.md does not name %q", m.name)
			}
			if *mutate == "all" || *mutate != "" && strings.Contains(m.name, *mutate) {
				m.run(t, changed)
			}
		})
	}
}

// A mutation is a deliberate fault.
type mutation struct {
	name, file string
	old, now   string
	dir, test  string // what must fail; empty: the simulator
}

// apply gives the changed text.
func (m mutation) apply(t *testing.T) string {
	b, err := os.ReadFile(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), m.old); n != 1 {
		t.Fatalf("%s has %q %d times", m.file, m.old, n)
	}
	return strings.Replace(string(b), m.old, m.now, 1)
}

// run builds the test with the change and wants it to fail.
func (m mutation) run(t *testing.T, changed string) {
	dir := t.TempDir()
	file, overlay, bin := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "test")
	in, test := m.dir, m.test
	if in == "" {
		in, test = ".", "TestSim"
	}
	path, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	replace, _ := json.Marshal(map[string]map[string]string{"Replace": {path: file}})
	for name, text := range map[string]string{file: changed, overlay: string(replace)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", bin, ".")
	build.Dir = in
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	args := []string{"-test.run", "^" + test + "$", "-test.timeout", "4m"}
	if in == "." {
		args = append(args, fmt.Sprint("-runs=", mutationRuns))
	}
	run := exec.CommandContext(ctx, bin, args...)
	run.Dir, run.Env = in, append(os.Environ(), "GOMAXPROCS=1")
	began := time.Now()
	out, err := run.CombinedOutput()
	switch {
	case err == nil:
		t.Errorf("%s passes all the same", test)
	case !strings.Contains(string(out), "FAIL: "+test):
		t.Errorf("%s fails in another way: %v\n%s", test, err, tail(string(out)))
	default:
		t.Logf("caught in %v:\n%s", time.Since(began).Round(time.Millisecond), tail(string(out)))
	}
}

// tail is what a test said that failed, shortened.
func tail(out string) string {
	var said []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, "_test.go:") || strings.Contains(line, "panic") {
			said = append(said, strings.TrimSpace(line[:min(len(line), 300)]))
		}
	}
	return strings.Join(said[:min(len(said), 4)], "\n")
}
