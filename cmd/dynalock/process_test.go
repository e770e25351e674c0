//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// A place is a store that processes are told of by their environment, and that
// the test looks at itself.
type place struct {
	name   string
	env    []string
	client *dynalock.Client
}

// places are the two stores, empty, for this test alone.
func places(t *testing.T) []place {
	t.Helper()
	path := filepath.Join(t.TempDir(), "locks.db")
	store, err := sqlitestore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	db := enginetest.Client(t)
	table := enginetest.Table(t, db)
	return []place{
		{"sqlite", []string{"DYNALOCK_STORE=sqlite:" + path}, client(t, dynalock.New(store))},
		{"dynamodb", append(awsEnv(enginetest.Endpoint(t)), "DYNALOCK_STORE=dynamodb:"+table),
			client(t, dynalock.NewDynalockClient(db, table))},
	}
}

func client(t *testing.T, c *dynalock.Client) *dynalock.Client {
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// A process is a command that a test started.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr *buffer
	stdout *buffer
	done   chan struct{}
}

// begin starts a command with the place's environment and nothing of
// dynalock's besides.
func (p place) begin(t *testing.T, name string, args ...string) *process {
	t.Helper()
	pr := &process{t: t, cmd: exec.Command(name, args...), stderr: &buffer{}, stdout: &buffer{}, done: make(chan struct{})}
	pr.cmd.Env = append(append(os.Environ(), "HOME="+t.TempDir()), p.env...)
	pr.cmd.Stdout, pr.cmd.Stderr = pr.stdout, pr.stderr
	// A process group of its own, as of a shell's job.
	pr.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := pr.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = pr.cmd.Wait()
		close(pr.done)
	}()
	t.Cleanup(func() { _ = pr.cmd.Process.Kill(); <-pr.done })
	return pr
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// code waits for the end.
func (p *process) code(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("%v still runs after %v; stderr: %s", p.cmd.Args, limit, p.stderr)
		return 0
	}
}

// wants fails unless the process ends so in time.
func (p *process) wants(code int, limit time.Duration) {
	p.t.Helper()
	if got := p.code(limit); got != code {
		p.t.Fatalf("%v: exit code %d, want %d; stderr: %s", p.cmd.Args, got, code, p.stderr)
	}
}

// A buffer may be read while a process writes to it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// eventually waits for a fact that another process makes.
func eventually(t *testing.T, what string, limit time.Duration, is func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !is(); {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(2 * time.Millisecond) // real time: another process is at work
	}
}

// lines are those of a file that a child writes to.
func lines(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func has(file, line string) bool {
	for _, l := range lines(file) {
		if l == line {
			return true
		}
	}
	return false
}

// free fails unless the lock can be taken now.
func (p place) free(t *testing.T, key string) {
	t.Helper()
	info, err := p.client.GetLock(t.Context(), key)
	if errors.Is(err, dynalock.ErrNotFound) {
		return
	}
	if err != nil || info.State != dynalock.StateReleased {
		t.Fatalf("%s is not free: %v, %v", key, info, err)
	}
}
