package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/kmdeveloping/dynalock"
)

// renewals remembers why the last renewal failed, for the message about a lock
// that is given up before its lease has ended.
type renewals struct {
	mu   sync.Mutex
	last error
}

func (w *renewals) observe(_ context.Context, e dynalock.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Kind {
	case dynalock.EventRenewFailed:
		w.last = e.Err
	case dynalock.EventRenewed:
		w.last = nil
	}
}

func (w *renewals) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// tellLoss says at once that the lock is lost, or about to be, and that the
// command is being ended. The function that it gives is called when the command
// has ended, and tells the loss; nil: there was none.
func (r *runner) tellLoss(lock *dynalock.Lock, soon <-chan struct{}, watch *renewals) func() *dynalock.LostError {
	ended, answer := make(chan struct{}), make(chan *dynalock.LostError, 1)
	go func() {
		select {
		case <-soon:
		case <-lock.Done():
		case <-ended:
			answer <- nil
			return
		}
		lost := r.loss(lock, watch)
		text := lost.Error()
		if lost.Reason == dynalock.ReasonExpired && lost.Err == nil {
			text += ", it could not be renewed in time"
		}
		r.a.say("%s; ending the command: TERM, and KILL after %s at the latest", text, short(r.grace))
		answer <- lost
	}()
	return func() *dynalock.LostError {
		close(ended)
		return <-answer
	}
}

// loss gives the reason: the handle's or, where that has not ended yet, what
// will be its reason.
func (r *runner) loss(lock *dynalock.Lock, watch *renewals) *dynalock.LostError {
	var lost *dynalock.LostError
	if errors.As(lock.Err(), &lost) {
		return lost
	}
	lost = &dynalock.LostError{Key: lock.Key(), Reason: dynalock.ReasonExpired, Err: watch.failure()}
	if r.lock.atMost > 0 && lost.Err == nil {
		lost.Reason, lost.Err = dynalock.ReasonHeldTooLong, nil
	}
	return lost
}
