package run

import "os"

// An event is a change of the command's process.
type event struct {
	exited bool
	code   int    // if it exited
	signal string // that ended it
	stop   int    // otherwise: the signal that stopped it
}

func isInterrupt(sig os.Signal) bool { return sig == os.Interrupt }
