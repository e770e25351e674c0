//go:build unix

package main

import (
	"os"
	"syscall"
)

// Stops end no process and are not seen by it.
func stop(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

func cont(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// quit makes a Go program print what its goroutines do, and end.
func quit(p *os.Process) error { return p.Signal(syscall.SIGQUIT) }

const canStop = true
