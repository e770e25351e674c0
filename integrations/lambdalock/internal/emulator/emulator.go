package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

const (
	startLimit = 20 * time.Second // for a busy machine; 30 ms is usual
	startTries = 5                // another process may take a port first
)

// An Emulator is one execution environment of a function, on loopback only.
type Emulator struct {
	URL string // to POST events to

	function string
	cmd      *exec.Cmd
	life     io.Closer // the emulator ends when this is closed, also by our death
	done     chan struct{}
}

// Start runs an emulator for that executable, whose whole environment is env.
// Both programs' output goes to log. The function itself starts with the first
// invocation.
func Start(function string, env []string, log *os.File) (*Emulator, error) {
	program, err := binary()
	if err != nil {
		return nil, err
	}
	for range startTries {
		var e *Emulator
		if e, err = startOnce(program, function, env, log); err == nil {
			return e, nil
		}
	}
	return nil, err
}

func startOnce(program, function string, env []string, log *os.File) (*Emulator, error) {
	invoke, runtime, err := freePorts()
	if err != nil {
		return nil, err
	}
	// The watcher ends the emulator when our end of the pipe is closed, which
	// the kernel does however we die. exec keeps the process id.
	const script = `exec 3<&0; (cat <&3 >/dev/null 2>&1; kill -KILL $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", program,
		"--log-level", "warn", "--runtime-interface-emulator-address", invoke, "--runtime-api-address", runtime, function)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	e := &Emulator{
		URL:      "http://" + invoke + "/2015-03-31/functions/function/invocations",
		function: function, cmd: cmd, life: life, done: make(chan struct{}),
	}
	go func() {
		_ = cmd.Wait() // "signal: killed" is what we ask for
		close(e.done)
	}()
	if err := e.await(invoke); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// await knocks at the port until it answers.
func (e *Emulator) await(address string) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		select {
		case <-e.done: // the port is somebody else's
			return errors.New("emulator: it ended; its log says why")
		case <-time.After(5 * time.Millisecond):
		}
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("emulator: it does not listen on %s within %v", address, startLimit)
}

// freePorts gives two addresses: for invocations, and of the Runtime API.
func freePorts() (invoke, runtime string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("emulator: %w", err)
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("emulator: %w", err)
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}

// Invoke sends an event and gives the answer, which is an object with
// errorType and errorMessage if the function failed, or died. A retry of an
// event has the same request id.
func (e *Emulator) Invoke(ctx context.Context, requestID string, event []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(event))
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	r.Header.Set("X-Amzn-RequestId", requestID)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	return body, nil
}

// Stop ends the function's process and the emulator's.
func (e *Emulator) Stop() {
	for _, p := range e.processes() {
		_ = p.Kill()
	}
	_ = e.life.Close()
	<-e.done
}
