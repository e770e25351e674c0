//go:build unix

package run

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A terminal is this process's controlling one. Its methods do nothing on nil.
type terminal struct {
	file *os.File
	own  int // this process's group
	lent int // the group that it was given to; 0: none
}

// openTerminal gives the controlling terminal, or nil.
func openTerminal() *terminal {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	return &terminal{file: f, own: syscall.Getpgrp()}
}

func isTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

func (t *terminal) fd() int { return int(t.file.Fd()) }

// foreground reports whether this process's group has the terminal.
func (t *terminal) foreground() bool {
	if t == nil {
		return false
	}
	group, err := unix.IoctlGetInt(t.fd(), unix.TIOCGPGRP)
	return err == nil && group == t.own
}

// give makes that group the foreground.
func (t *terminal) give(group int) {
	if t == nil {
		return
	}
	t.lent = group
	t.set(group)
}

func (t *terminal) set(group int) {
	// Who is in the background and changes the terminal is stopped by TTOU
	// unless it ignores that. Only for this moment: children inherit it.
	signal.Ignore(syscall.SIGTTOU)
	defer signal.Reset(syscall.SIGTTOU)
	_ = unix.IoctlSetPointerInt(t.fd(), unix.TIOCSPGRP, group)
}

// take gets the terminal back if the command's group has it. A group that has
// ended can still be the foreground, and then a shell that is no job control
// shell would be left without it.
func (t *terminal) take() {
	if t == nil || t.lent == 0 {
		return
	}
	group, err := unix.IoctlGetInt(t.fd(), unix.TIOCGPGRP)
	if err == nil && group == t.lent {
		t.set(t.own)
	}
}

func (t *terminal) close() {
	if t != nil {
		_ = t.file.Close()
	}
}
