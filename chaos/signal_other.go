//go:build !unix

package main

import "os"

// There is nothing here like SIGSTOP: a stop is none.
func stop(*os.Process) error { return nil }

func cont(*os.Process) error { return nil }

func quit(p *os.Process) error { return p.Kill() }

const canStop = false
