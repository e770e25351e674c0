//go:build unix && !linux && !freebsd

package run

import "syscall"

// dieWithParent has no means here: a command whose dynalock was killed by KILL
// goes on, and its lock is free within the lease. docs/cli.md says so.
func dieWithParent(*syscall.SysProcAttr) {}
