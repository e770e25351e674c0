package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A process is a worker as seen by who started it.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan said
}

// patience is how long a worker may take for one answer.
const patience = 2 * time.Minute

// start runs this program again, as a worker.
func start(j job) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	return startProcess(exec.Command(self, workerCommand, string(text)))
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, lines: make(chan said, 1<<16)}
	cmd.Stderr = os.Stderr
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var s said
			if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
				s = said{Event: "error", Error: lines.Text()}
			}
			p.lines <- s
		}
	}()
	if _, err := p.await("ready"); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

func (p *process) tell(command string) error {
	_, err := fmt.Fprintln(p.in, command)
	return err
}

// await gives what the worker says until the event, without the event itself.
func (p *process) await(event string) (before []said, err error) {
	limit := time.After(patience)
	for {
		select {
		case s, ok := <-p.lines:
			switch {
			case !ok:
				return before, fmt.Errorf("a worker ended before it said %q", event)
			case s.Event == "error":
				return before, fmt.Errorf("a worker: %s", s.Error)
			case s.Event == event:
				return append(before, s), nil
			}
			before = append(before, s)
		case <-limit:
			return before, fmt.Errorf("a worker did not say %q within %v", event, patience)
		}
	}
}

// next gives the next grant.
func (p *process) next() (grant, error) {
	s, err := p.await("grant")
	if err != nil {
		return grant{}, err
	}
	return *s[len(s)-1].Grant, nil
}

// cpu is the CPU time that the worker has used, in seconds.
func (p *process) cpu() (float64, error) {
	if err := p.tell("cpu"); err != nil {
		return 0, err
	}
	s, err := p.await("cpu")
	if err != nil {
		return 0, err
	}
	return s[len(s)-1].CPU, nil
}

// kill ends the process as a crash does.
func (p *process) kill() error {
	_ = p.in.Close()
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// A crew is several workers.
type crew []*process

// hire starts n workers with jobs that differ in who alone.
func hire(n int, start func(who int) (*process, error)) (crew, error) {
	var c crew
	for who := range n {
		p, err := start(who)
		if err != nil {
			return nil, errors.Join(err, c.kill())
		}
		c = append(c, p)
	}
	return c, nil
}

func (c crew) kill() (err error) {
	for _, p := range c {
		err = errors.Join(err, p.kill())
	}
	return err
}

func (c crew) tell(command string) error {
	for _, p := range c {
		if err := p.tell(command); err != nil {
			return err
		}
	}
	return nil
}

// grants ends the loops and collects what they had.
func (c crew) grants() (all []grant, err error) {
	if err := c.tell("stop"); err != nil {
		return nil, err
	}
	for _, p := range c {
		lines, err := p.await("end")
		if err != nil {
			return nil, err
		}
		for _, s := range lines {
			if s.Grant != nil {
				all = append(all, *s.Grant)
			}
		}
	}
	return all, nil
}
