package dynalock_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// bubble runs f in a bubble of fake time with a table of its own.
func bubble(t *testing.T, f func(t *testing.T, w *world), opts ...memstore.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, opts...)) })
}

// bg is the context of calls whose context is not what the test is about.
var bg = context.Background()

// movesEnd recognises a write that moves the end of a tenure which goes on.
func movesEnd(_ string, w lockstore.Write) bool {
	moves := false
	for _, change := range w.Do {
		switch c := change.(type) {
		case lockstore.SetNonce:
			return false
		case lockstore.SetReleased:
			return false
		case lockstore.SetExpires:
			moves = !time.Time(c).IsZero()
		}
	}
	return moves
}

// setsData recognises a write that does nothing but replace data.
func setsData(_ string, w lockstore.Write) bool {
	data := false
	for _, change := range w.Do {
		switch change.(type) {
		case lockstore.SetNonce, lockstore.SetReleased, lockstore.SetExpires:
			return false
		case lockstore.SetData:
			data = true
		}
	}
	return data
}

// sentinels are all the errors of the package and the two of context.
var sentinels = []struct {
	name string
	err  error
}{
	{"ErrHeld", dynalock.ErrHeld}, {"ErrOwnerMismatch", dynalock.ErrOwnerMismatch},
	{"ErrNotHeld", dynalock.ErrNotHeld}, {"ErrLost", dynalock.ErrLost},
	{"ErrReleased", dynalock.ErrReleased}, {"ErrClosed", dynalock.ErrClosed},
	{"ErrNotFound", dynalock.ErrNotFound}, {"ErrTableNotFound", dynalock.ErrTableNotFound},
	{"ErrTableSchema", dynalock.ErrTableSchema}, {"ErrAccessDenied", dynalock.ErrAccessDenied},
	{"ErrThrottled", dynalock.ErrThrottled}, {"ErrUnavailable", dynalock.ErrUnavailable},
	{"ErrInvalidKey", dynalock.ErrInvalidKey}, {"ErrInvalidOption", dynalock.ErrInvalidOption},
	{"ErrInvalidHandle", dynalock.ErrInvalidHandle}, {"ErrDataTooLarge", dynalock.ErrDataTooLarge},
	{"ErrDecrypt", dynalock.ErrDecrypt}, {"ErrMalformed", dynalock.ErrMalformed},
	{"context.Canceled", context.Canceled}, {"context.DeadlineExceeded", context.DeadlineExceeded},
}

// matchesOnly checks that err matches those sentinels and no other one: that
// is what lets a caller tell one failure from another.
func matchesOnly(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, s := range sentinels {
		if is, wanted := errors.Is(err, s.err), slices.Contains(want, s.err); is != wanted {
			t.Errorf("%s: errors.Is(err, %s) = %v, want %v; err: %v", what, s.name, is, wanted, err)
		}
	}
}

// must fails the test at once if a call that has to work did not.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ended reports whether the channel is closed.
func ended(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// tookTime gives how long f takes.
func tookTime(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// lost is the LostError that the handle ended with.
func lost(t *testing.T, l *dynalock.Lock) *dynalock.LostError {
	t.Helper()
	var e *dynalock.LostError
	if err := l.Err(); !errors.As(err, &e) {
		t.Fatalf("the lock ended with %v, not with a LostError", err)
	}
	return e
}

// within gives a context that ends after d, and is cleaned up with the test.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(bg, d)
	t.Cleanup(cancel)
	return ctx
}

// endsBy waits until the handle says that it ended, at most for limit, and
// gives how long that took.
func endsBy(t *testing.T, l *dynalock.Lock, limit time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	select {
	case <-l.Done():
	case <-time.After(limit):
		t.Errorf("Done is not closed after %v", limit)
	}
	return time.Since(start)
}

// noContext is nil, which no call may take.
var noContext context.Context
