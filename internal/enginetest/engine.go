package enginetest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	startLimit = 20 * time.Second // for a busy machine; 10 ms is usual
	startTries = 5                // another process may take the port first
)

// An Engine is a running dynoxide process that listens on loopback only.
type Engine struct {
	URL string

	cmd  *exec.Cmd
	life io.Closer // the engine ends when this is closed, also by our death
	once sync.Once
	err  error
}

// Start runs an engine, outside tests too. With an empty dbPath it keeps its
// data in memory, otherwise in the SQLite file of that name.
//
// The engine ends when Stop is called or the calling process is gone, even by
// SIGKILL: see [Watched].
func Start(dbPath string) (*Engine, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	for range startTries {
		var e *Engine
		e, err = startOn(binary, dbPath)
		if err == nil || !errors.Is(err, errPortTaken) {
			return e, err
		}
	}
	return nil, err
}

// Stop ends the engine and waits until it is gone. Calling it again is fine.
func (e *Engine) Stop() error {
	e.once.Do(func() {
		e.err = e.life.Close()
		if watchedByPipe {
			_ = e.cmd.Wait() // "signal: killed" is what we asked for
			return
		}
		_ = e.cmd.Process.Kill()
		_ = e.cmd.Wait()
	})
	return e.err
}

var errPortTaken = errors.New("the port was taken")

func startOn(binary, dbPath string) (*Engine, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port)}
	if dbPath != "" {
		args = append(args, "--db-path", dbPath)
	}
	// A file and not a pipe: os/exec needs a goroutine for anything else, and
	// the engine must never wait for us to read what it says.
	out, err := os.CreateTemp("", "dynoxide-*.log")
	if err != nil {
		return nil, fmt.Errorf("enginetest: %w", err)
	}
	defer os.Remove(out.Name())
	defer out.Close()

	cmd := Watched(binary, args)
	cmd.Stdout, cmd.Stderr = out, out
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("enginetest: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("enginetest: start %s: %w", binary, err)
	}
	e := &Engine{URL: fmt.Sprintf("http://127.0.0.1:%d", port), cmd: cmd, life: life}
	if err := awaitListening(out.Name()); err != nil {
		_ = e.Stop()
		return nil, err
	}
	return e, nil
}

// awaitListening reads the engine's own words. Knocking at the port would not
// do: it may be somebody else's by now.
func awaitListening(logFile string) error {
	var said string
	// real time: a process starts.
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		text, err := os.ReadFile(logFile)
		if err != nil {
			return fmt.Errorf("enginetest: %w", err)
		}
		said = string(text)
		switch {
		case strings.Contains(said, "listening on"):
			return nil
		case strings.Contains(said, "already in use"):
			return fmt.Errorf("enginetest: %w: %s", errPortTaken, strings.TrimSpace(said))
		case strings.Contains(said, "error:"):
			return fmt.Errorf("enginetest: dynoxide: %s", strings.TrimSpace(said))
		}
	}
	return fmt.Errorf("enginetest: dynoxide did not listen within %v; it said: %q", startLimit, said)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("enginetest: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
