//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// atGate is what a worker says when its write waits to be sent.
const atGate = "is on its way to the write"

// An actor is a worker's process, seen from its parent.
type actor struct {
	stage *stage
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// enter starts this same program as a worker.
func (s *stage) enter(name, as string, amount int, stops string) (*actor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, name, as, strconv.Itoa(amount), s.endpoint, stops)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &actor{stage: s, name: name, cmd: cmd, in: in, lines: bufio.NewScanner(out)}, nil
}

// hear gives on what the worker tells, until it tells that, or has ended.
func (a *actor) hear(until string) error {
	for a.lines.Scan() {
		a.stage.say("   %s %s", a.name, a.lines.Text())
		if a.lines.Text() == until {
			return nil
		}
	}
	if until != "" {
		return errors.Join(fmt.Errorf("worker %s ended early", a.name), a.cmd.Wait())
	}
	return errors.Join(a.lines.Err(), a.cmd.Wait())
}

// leave ends the worker if it has not ended.
func (a *actor) leave() {
	if a.cmd.ProcessState == nil {
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
	}
}
