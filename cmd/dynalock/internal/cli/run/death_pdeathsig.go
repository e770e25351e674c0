//go:build linux || freebsd

package run

import "syscall"

// dieWithParent makes the kernel kill the command when this process ends in any
// way, KILL too: nobody renews its lock from then on. It is lost where the
// command is set-user-ID (sudo), which the kernel does not let us kill.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
