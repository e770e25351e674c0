//go:build unix

package run

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// A child is the command's process, its group, and the terminal that they have.
type child struct {
	cmd      *exec.Cmd
	pid      int
	events   chan event
	terminal *terminal // nil: there is none
	reaper   func()    // ends the reaping of orphans
}

func start(c Command) (*child, error) {
	ch := &child{events: make(chan event, 1), terminal: openTerminal()}
	ch.cmd = &exec.Cmd{
		Path: c.Path, Args: c.Args, Env: c.Env,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	dieWithParent(ch.cmd.SysProcAttr)
	// Where both ends are the terminal the command is its foreground from the
	// start. In a pipe (dynalock run k -- cmd | less) another program of the
	// group may want it; the command gets it when it asks (see stopped).
	if ch.terminal != nil && isTerminal(c.Stdin) && isTerminal(c.Stdout) && ch.terminal.foreground() {
		ch.cmd.SysProcAttr.Foreground = true
		ch.cmd.SysProcAttr.Ctty = ch.terminal.fd()
	}
	if err := ch.cmd.Start(); err != nil {
		ch.terminal.close()
		return nil, err
	}
	ch.pid = ch.cmd.Process.Pid
	if ch.cmd.SysProcAttr.Foreground {
		ch.terminal.lent = ch.pid
	}
	ch.reaper = reapOrphans(ch.pid)
	go ch.wait()
	return ch, nil
}

// wait tells of stops as well as of the end, which os/exec does not.
func (c *child) wait() {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(c.pid, &status, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // somebody else has its status: it has ended
			c.events <- event{exited: true, code: 128 + int(syscall.SIGKILL)}
			return
		case status.Stopped():
			c.events <- event{stop: int(status.StopSignal())}
		case status.Signaled():
			c.events <- event{exited: true, code: 128 + int(status.Signal()), signal: signalName(status.Signal())}
			return
		case status.Exited():
			c.events <- event{exited: true, code: status.ExitStatus()}
			return
		}
	}
}

// forward sends the signal to the command alone, as it would have got it
// without this program before it.
func (c *child) forward(sig os.Signal) {
	if s, ok := sig.(syscall.Signal); ok {
		_ = syscall.Kill(c.pid, s)
	}
}

// terminate sends TERM to all, and CONT to those that were stopped, so that
// they get it.
func (c *child) terminate() {
	_ = syscall.Kill(-c.pid, syscall.SIGTERM)
	_ = syscall.Kill(-c.pid, syscall.SIGCONT)
}

func (c *child) kill() { _ = syscall.Kill(-c.pid, syscall.SIGKILL) }

// gone reports whether nothing is left of the group that can still run.
func (c *child) gone() bool {
	return errors.Is(syscall.Kill(-c.pid, 0), syscall.ESRCH) || onlyZombies(c.pid)
}

// continueWait is how long to wait for CONT after stopping oneself. A process
// group without a shell that would continue it is not stopped by TSTP.
const continueWait = 200 * time.Millisecond

// stopped does what the shell expects of a job whose member was stopped. If the
// command wants the terminal and this group has it, the command gets it.
// Otherwise the whole job stops, and what comes after is up to the shell. A
// job that sleeps does not renew: if the lock is lost meanwhile, the command
// is ended as soon as the job goes on.
func (c *child) stopped(e event) {
	sig := syscall.Signal(e.stop)
	if sig == syscall.SIGSTOP || c.terminal == nil {
		return // not from a terminal: by somebody who means that process
	}
	wants := sig == syscall.SIGTTIN || sig == syscall.SIGTTOU
	if !wants || !c.terminal.foreground() {
		c.terminal.take()
		stopSelf(sig)
	}
	if c.terminal.foreground() {
		c.terminal.give(c.pid)
	}
	_ = syscall.Kill(-c.pid, syscall.SIGCONT)
}

// stopSelf stops this process's group and returns when it goes on.
func stopSelf(sig syscall.Signal) {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	_ = syscall.Kill(0, sig)
	select {
	case <-continued:
	case <-time.After(continueWait):
	}
}

// close takes the terminal back.
func (c *child) close() {
	c.reaper()
	c.terminal.take()
	c.terminal.close()
	_ = c.cmd.Process.Release()
}
