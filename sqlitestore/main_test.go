package sqlitestore_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// roles are what this test binary does as a second process.
var roles = map[string]func(args []string) error{}

const roleEnv = "SQLITESTORE_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		if err := roles[role](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// A child is a second process. It is killed when the test ends, if it has not
// ended by then.
type child struct {
	*exec.Cmd
	in    io.WriteCloser
	out   io.ReadCloser
	lines *bufio.Scanner // of out
}

// start starts a process in that role. change may be nil.
func start(t testing.TB, change func(*exec.Cmd), role string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(self, args...)}
	c.Env = append(os.Environ(), roleEnv+"="+role)
	c.Stderr = os.Stderr
	if change != nil {
		change(c.Cmd)
	}
	if c.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if c.out, err = c.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(c.out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
	return c
}

// line reads what the process says next.
func (c *child) line(t testing.TB) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("%s ended: %v", c.Path, c.lines.Err())
	}
	return c.lines.Text()
}

// end lets the process end by closing its standard input.
func (c *child) end(t testing.TB) {
	t.Helper()
	_ = c.in.Close()
	_, _ = io.Copy(io.Discard, c.out)
	if err := c.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
}
