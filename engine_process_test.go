package dynalock_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// processLimit ends a process that hangs.
const processLimit = time.Minute

// A process is a running testdata/process, with a client of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	errors bytes.Buffer
}

// A processReport is what it says of one step.
type processReport struct {
	Do, Owner, Data, Handle, Error string
	Token                          uint64
	Held, Stolen                   bool
	From, To, Gap                  int64
	Matches                        []string
}

func (r processReport) matches(kind string) bool { return slices.Contains(r.Matches, kind) }

// start runs the program for that owner name: flags, then steps.
func (e *engineTable) start(t *testing.T, program, owner string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), processLimit)
	p := &process{t: t}
	p.cmd = exec.CommandContext(ctx, program, append([]string{
		"-endpoint", enginetest.Endpoint(t), "-table", e.name, "-owner", owner,
	}, args...)...)
	p.cmd.Stderr = &p.errors
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = p.cmd.Wait() // an error where it was waited for already
	})
	return p
}

// next is the report of the next step.
func (p *process) next() processReport {
	p.t.Helper()
	if !p.out.Scan() {
		p.t.Fatalf("%v ended: %v\n%s", p.cmd.Args[5:], p.out.Err(), p.errors.String())
	}
	return p.decode()
}

func (p *process) decode() (r processReport) {
	p.t.Helper()
	if err := json.Unmarshal(p.out.Bytes(), &r); err != nil {
		p.t.Fatalf("%q: %v", p.out.Text(), err)
	}
	return r
}

// goes is next for a step that has to succeed.
func (p *process) goes(step string) processReport {
	p.t.Helper()
	r := p.next()
	if r.Do != step || r.Error != "" {
		p.t.Fatalf("%v: wanted %s, got %+v", p.cmd.Args[5:], step, r)
	}
	return r
}

// fails is next for a step that has to fail with exactly these of dynalock's
// errors.
func (p *process) fails(step string, kinds ...string) {
	p.t.Helper()
	r := p.next()
	slices.Sort(r.Matches)
	slices.Sort(kinds)
	if r.Do != step || r.Error == "" || !slices.Equal(r.Matches, kinds) {
		p.t.Errorf("%v: wanted %s to fail with %v, got %+v", p.cmd.Args[5:], step, kinds, r)
	}
}

// resume ends a step "stay".
func (p *process) resume() {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// kill is SIGKILL: nothing of the process runs any more.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

// ends waits until the process has ended by itself.
func (p *process) ends() {
	p.t.Helper()
	for p.out.Scan() {
		p.t.Errorf("%v says more: %s", p.cmd.Args[5:], p.out.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("%v: %v\n%s", p.cmd.Args[5:], err, p.errors.String())
	}
}
