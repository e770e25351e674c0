package run

import (
	"os"
	"runtime"
	"time"
)

// A Command is what to run. The streams are files, handed to the command as
// they are, so that a terminal stays one.
type Command struct {
	Path                  string
	Args                  []string // with the name before them
	Env                   []string
	Stdin, Stdout, Stderr *os.File
}

// A Hold is the lock that the command runs under.
type Hold struct {
	// Soon is closed when the command has to end: Grace and Margin before the
	// end of what can be proved, or when the lock is lost.
	Soon <-chan struct{}
	// Lost is closed when the lock is lost.
	Lost <-chan struct{}
	// Left is how long the lock is certainly held.
	Left func() time.Duration
	// Over reports, after Lost, whether the lease is over, so that another may
	// have the lock by now: there is no time for grace then.
	Over func() bool
	// Grace is how long the command may take from TERM to KILL.
	Grace time.Duration
	// Margin is how long before the end of the lease KILL is sent at the latest.
	Margin time.Duration
}

// A Result is how the command ended.
type Result struct {
	PID    int
	Code   int    // its own, or 128 and the signal's number
	Signal string // that ended it, such as SIGTERM; else empty
	Lost   bool   // it was told to end because of the lock
	Killed bool   // by us, because TERM was not enough
}

// goneLimit bounds the wait for a killed group. What is left then waits in the
// kernel, such as for a network file system, and runs no instruction any more
// until that ends; or it is a zombie whose parent does not look after it.
const goneLimit = 2 * time.Second

// gonePoll is how often a group whose leader has ended is looked at.
const gonePoll = 10 * time.Millisecond

// Supervise runs the command to its end. The error is that of a command that
// could not be started.
func Supervise(cmd Command, hold Hold, signals <-chan os.Signal) (Result, error) {
	// The parent-death signal is that of the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	c, err := start(cmd)
	if err != nil {
		return Result{}, err
	}
	defer c.close()
	l := &ladder{child: c, hold: hold, result: Result{PID: c.pid}}
	defer l.stop()
	return l.climb(signals), nil
}
