package run

import (
	"os"
	"syscall"
)

// Windows has Ctrl-C, Ctrl-Break (both Interrupt) and the end of the console,
// the session or the machine (SIGTERM).
var forwarded = []os.Signal{os.Interrupt, syscall.SIGTERM}

func number(sig os.Signal) int {
	if s, ok := sig.(syscall.Signal); ok {
		return int(s)
	}
	return 0
}
