package run

import (
	"context"
	"os"
	"os/signal"
	"sync"
)

// Signals are those that this process gets. Until [Signals.Forward] the first
// one ends the context of [Listen]; from then on they are handed on.
type Signals struct {
	in     chan os.Signal
	out    chan os.Signal
	done   chan struct{}
	cancel context.CancelCauseFunc

	mu         sync.Mutex
	forwarding bool
}

// An Interrupted is the cause of the context that a signal ended.
type Interrupted struct{ Signal os.Signal }

func (e *Interrupted) Error() string { return "ended by signal " + e.Signal.String() }

// Number is the signal's, as in the exit code 128 + n.
func (e *Interrupted) Number() int { return number(e.Signal) }

// Listen begins to listen for signals. One that this process was told to ignore
// by whoever started it, such as HUP by nohup, stays ignored, and the command
// inherits that.
func Listen(parent context.Context) (*Signals, context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	s := &Signals{
		in: make(chan os.Signal, 16), out: make(chan os.Signal, 16),
		done: make(chan struct{}), cancel: cancel,
	}
	var heard []os.Signal
	for _, sig := range forwarded {
		if !signal.Ignored(sig) {
			heard = append(heard, sig)
		}
	}
	if len(heard) > 0 { // Notify without a list means all there are
		signal.Notify(s.in, heard...)
	}
	go s.distribute()
	return s, ctx
}

func (s *Signals) distribute() {
	for {
		select {
		case sig := <-s.in:
			s.mu.Lock()
			if s.forwarding {
				select {
				case s.out <- sig:
				default: // 16 unread ones: nobody misses a seventeenth
				}
			} else {
				s.cancel(&Interrupted{sig})
			}
			s.mu.Unlock()
		case <-s.done:
			return
		}
	}
}

// Forward gives the signals that come from now on. Look at the context of
// Listen afterwards: a signal may have come before.
func (s *Signals) Forward() <-chan os.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forwarding = true
	return s.out
}

// Stop gives signals their usual effect back.
func (s *Signals) Stop() {
	signal.Stop(s.in)
	close(s.done)
	s.cancel(context.Canceled)
}
