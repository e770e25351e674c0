package run

import (
	"os"
	"time"
)

// A ladder is how a command is made to end: TERM to all of it, and KILL once
// its time is over. It is climbed when the lock is about to be lost, or was
// lost, or when the user insists.
type ladder struct {
	child  *child
	hold   Hold
	result Result

	terminated bool
	killed     bool
	exited     bool // the command itself; what it started may still run
	interrupts int
	timer      *time.Timer // KILL, or the end of waiting after it
	at         time.Time   // when it fires
	poll       *time.Ticker
}

// climb returns when the command has ended and, if it was told to end because
// of the lock, all that it started has too.
func (l *ladder) climb(signals <-chan os.Signal) Result {
	soon, lost := l.hold.Soon, l.hold.Lost
	for {
		select {
		case e := <-l.child.events:
			if l.happened(e) {
				return l.result
			}
		case sig := <-signals:
			l.signal(sig)
		case <-soon:
			soon = nil
			l.losing(l.grace())
		case <-lost:
			lost = nil
			l.losing(l.grace())
		case <-l.fired():
			if l.killed {
				return l.abandoned()
			}
			l.kill()
		case <-l.polled():
			if l.child.gone() {
				return l.result
			}
		}
	}
}

// happened takes an event of the child; true: that was the end.
func (l *ladder) happened(e event) bool {
	if !e.exited {
		l.child.stopped(e)
		return false
	}
	l.exited = true
	l.result.Code, l.result.Signal = e.code, e.signal
	if !l.terminated || l.child.gone() {
		return true
	}
	// Its children may still be at work under a lock that ends.
	l.poll = time.NewTicker(gonePoll)
	return false
}

// abandoned is the result of a command that outlived even KILL.
func (l *ladder) abandoned() Result {
	if !l.exited {
		l.result.Code, l.result.Signal = 128+9, "SIGKILL"
	}
	return l.result
}

// grace is how long the command may take to end, now that it has to.
func (l *ladder) grace() time.Duration {
	select {
	case <-l.hold.Lost:
		if l.hold.Over() {
			return 0 // this process was frozen until now, or the machine slept
		}
		return l.hold.Grace // somebody ended the tenure
	default:
		return min(l.hold.Grace, l.hold.Left()-l.hold.Margin)
	}
}

// losing makes the command end within grace.
func (l *ladder) losing(grace time.Duration) {
	l.result.Lost = true
	l.terminate(grace)
}

func (l *ladder) terminate(grace time.Duration) {
	if l.killed {
		return
	}
	if grace <= 0 {
		l.kill()
		return
	}
	if !l.terminated {
		l.terminated = true
		l.child.terminate()
	}
	// Never later than what was promised before.
	if l.timer == nil || time.Now().Add(grace).Before(l.at) {
		l.arm(grace)
	}
}

func (l *ladder) kill() {
	l.terminated, l.killed = true, true
	l.result.Killed = true
	l.child.kill()
	l.arm(goneLimit)
}

// signal hands a signal on. Who sends INT twice wants it to end: the second
// begins the grace, and one that comes then cuts it short. (In a terminal
// Ctrl-C goes to the command alone, and none of this happens.)
func (l *ladder) signal(sig os.Signal) {
	if isInterrupt(sig) {
		if l.interrupts++; l.terminated {
			l.kill()
			return
		}
	}
	l.child.forward(sig)
	if l.interrupts > 1 && isInterrupt(sig) {
		l.terminate(l.hold.Grace)
	}
}

func (l *ladder) arm(d time.Duration) {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer, l.at = time.NewTimer(d), time.Now().Add(d)
}

func (l *ladder) fired() <-chan time.Time {
	if l.timer == nil {
		return nil
	}
	return l.timer.C
}

func (l *ladder) polled() <-chan time.Time {
	if l.poll == nil {
		return nil
	}
	return l.poll.C
}

func (l *ladder) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.poll != nil {
		l.poll.Stop()
	}
}
