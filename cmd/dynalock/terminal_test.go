//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// A screen is a process in a pseudo-terminal of its own.
type screen struct {
	t    *testing.T
	tty  *os.File
	out  *buffer
	cmd  *exec.Cmd
	done chan struct{}
}

// onTerminal starts a command whose controlling terminal is a new one.
func (p place) onTerminal(t *testing.T, name string, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, out: &buffer{}, cmd: exec.Command(name, args...), done: make(chan struct{})}
	s.cmd.Env = append(append(os.Environ(), "HOME="+t.TempDir(), "PS1=$ "), p.env...)
	tty, err := pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	s.tty = tty
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			_, _ = s.out.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.done
		_ = tty.Close()
	})
	return s
}

func (s *screen) types(keys string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) shows(text string) {
	s.t.Helper()
	end := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(s.out.String(), text) {
		select {
		case <-tick.C:
		case <-end:
			s.t.Fatalf("the terminal does not show %q but:\n%q", text, s.out)
		}
	}
}

func (s *screen) ends(code int) {
	s.t.Helper()
	select {
	case <-s.done:
		if got := s.cmd.ProcessState.ExitCode(); got != code {
			s.t.Fatalf("exit code %d, want %d; the terminal shows:\n%q", got, code, s.out)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatalf("it does not end; the terminal shows:\n%q", s.out)
	}
}

const (
	ctrlC = "\x03"
	ctrlZ = "\x1a"
)

// TestCtrlC: in a terminal it reaches the command once.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "log")
			s := p.onTerminal(t, "dynalock", "run", "k", "--", "testchild", "trap", file, "500ms", "6")
			eventually(t, "the child is ready", 20*time.Second, func() bool { return has(file, "ready") })
			s.types(ctrlC)
			s.ends(6)
			if got := strings.Join(lines(file), " "); got != "ready SIGINT end" {
				t.Errorf("the child saw %q", got)
			}
			p.free(t, "k")
		})
	}
}

// TestCtrlCFromShell: the shell has its terminal back after it, and the command
// reads from it while it runs.
func TestCtrlCFromShell(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	s := p.onTerminal(t, "sh", "-c",
		`dynalock run k -- sh -c 'echo question; read answer; echo "got $answer"; sleep 60'; echo "code $?"; read more; echo "more $more"; exit 3`)
	s.shows("question")
	s.types("yes\n")
	s.shows("got yes")
	s.types(ctrlC)
	// The shell gets no INT: it is not the foreground then.
	s.shows("code 130")
	s.types("please\n")
	s.shows("more please")
	s.ends(3)
}

// TestStopAndContinue: Ctrl-Z stops the job as the shell expects, and fg goes on.
func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	s := p.onTerminal(t, "bash", "--norc", "--noediting", "-i")
	s.types("dynalock run k -- sh -c 'echo begun; read answer; echo \"got $answer\"'; echo \"co\"de $?\n")
	s.shows("begun\r\n")
	s.types(ctrlZ)
	s.shows("Stopped")
	s.types("fg\n")
	s.shows("dynalock run k") // bash says what goes on
	s.types("yes\n")
	s.shows("got yes\r\n")
	s.types("dynalock ls; echo sta\"tus\" $?; exit 4\n")
	s.shows("no locks in")
	s.ends(4)
}

// TestPipeline: another program of the job keeps the terminal; the command gets
// it when it asks.
func TestPipeline(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	s := p.onTerminal(t, "bash", "--norc", "--noediting", "-i")
	s.types("dynalock run k -- sh -c 'read answer </dev/tty; echo \"got $answer\"' | cat; exit 5\n")
	eventually(t, "the lock is held", 20*time.Second, func() bool {
		info, err := p.client.GetLock(t.Context(), "k")
		return err == nil && info.State == "held"
	})
	s.types("yes\n")
	s.shows("got yes\r\n")
	s.ends(5)
}

// TestWaitCounts: on a terminal a wait shows who holds the lock, and counts.
func TestWaitCounts(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	held, err := p.client.AcquireLock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	s := p.onTerminal(t, "dynalock", "run", "--wait", "k", "--", "testchild", "args", "started")
	s.shows(`waiting for lock "k", which is held by "`)
	s.shows("\rdynalock: waiting for 1s ")
	s.shows("\rdynalock: waiting for 2s ")
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.shows("started")
	s.ends(0)
	if n := strings.Count(s.out.String(), "is held by"); n != 1 {
		t.Errorf("the holder is shown %d times", n)
	}
}

// TestForceAsks: a person is shown the tenure and asked.
func TestForceAsks(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	held, err := p.client.AcquireLock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	command := `dynalock force-release k --token $(dynalock get k | sed -n 's/^token: *//p')`
	for _, tc := range []struct {
		answer string
		code   int
	}{{"n\n", 1}, {"\n", 1}, {ctrlC, 130}} {
		s := p.onTerminal(t, "sh", "-c", "exec "+command)
		s.shows("Its holder may still be at work. [y/N] ")
		s.types(tc.answer)
		s.ends(tc.code)
	}
	s := p.onTerminal(t, "sh", "-c", command)
	s.shows("[y/N] ")
	s.types("y\n")
	s.ends(0)
	if err := held.Renew(t.Context()); err == nil {
		t.Error("its handle is still held")
	}
}

// TestWatchTable: a table that draws over itself and marks what changed.
func TestWatchTable(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if _, err := p.client.AcquireLock(t.Context(), "first"); err != nil {
				t.Fatal(err)
			}
			s := p.onTerminal(t, "dynalock", "watch", "--interval", "200ms")
			s.shows("1 locks, 1 changed")
			s.shows("STATE       TOKEN            LEFT      OWNER")
			s.shows("1 locks, 0 changed")
			l, err := p.client.AcquireLock(t.Context(), "second\n")
			if err != nil {
				t.Fatal(err)
			}
			s.shows("\x1b[1m* held")
			s.shows(`"second\n"`)
			s.shows("2 locks, 0 changed")
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.shows("\x1b[1m* released")
			s.types(ctrlC)
			s.ends(0)
		})
	}
}
