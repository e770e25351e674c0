package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
)

const (
	// minPause and maxPause are between two tries while others write. A write
	// takes from 50 µs (no waiting for the disk) to some ms, and whoever writes
	// without a break leaves a gap of a few µs after each.
	minPause = 100 * time.Microsecond
	maxPause = time.Millisecond
)

var (
	errTimeout = errors.New("no answer within the time that WithTimeout allows")
	errMoved   = errors.New("the file was removed or replaced while it was open")
)

// ended says why a call's context ended: the caller's error, or the store's
// own, which is neither of the context package's.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); cause == errTimeout {
		return cause
	}
	return ctx.Err()
}

// run makes a call with a connection. When ctx ends, or the store's own time is
// up, it leaves the work to itself.
func run[T any](ctx context.Context, s *Store, op string, writes bool, f func(context.Context, *conn, *gate) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errTimeout)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	var none T
	if err := s.enter(ctx, writes); err != nil {
		return none, s.fail(op, err, false)
	}
	g := new(gate)
	answers := make(chan answer, 1)
	s.take().jobs <- func(w *worker) {
		var a answer
		err := s.with(ctx, w, func(c *conn) (err error) {
			a.value, err = f(ctx, c, g)
			return err
		})
		if err != nil {
			_, unknown := errors.AsType[*unknownError](err)
			a.err = s.fail(op, err, unknown)
		}
		s.put(w)
		s.leave(writes)
		answers <- a
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
	}
	if g.abandon() {
		return none, s.fail(op, ended(ctx), false)
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-time.After(s.grace):
		return none, s.fail(op, ended(ctx), true)
	}
}

// with lends f the worker's connection to the file that was opened.
func (s *Store) with(ctx context.Context, w *worker, f func(*conn) error) (err error) {
	// Removed while it is open, the file lives on for those that have it, and
	// the next process makes another one.
	if now, err := os.Stat(s.path); err != nil || !os.SameFile(now, s.file) {
		return errMoved
	}
	if w.conn == nil {
		if w.conn, err = s.connect(ctx); err != nil {
			return err
		}
	}
	err = f(w.conn)
	if w.conn.broken {
		err = errors.Join(err, w.conn.close())
		w.conn = nil
	}
	return err
}

// A gate decides once between a writer that wants to commit and a caller that
// wants to leave.
type gate struct{ state atomic.Int32 }

func (g *gate) commit() bool  { return g.state.CompareAndSwap(0, 1) }
func (g *gate) abandon() bool { return g.state.CompareAndSwap(0, 2) }

// retry repeats f while other processes keep it from what it needs. SQLite's
// own waiting (busy_timeout) knows no context, and lets one process that writes
// all the time starve the others.
func retry(ctx context.Context, f func() error) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := f()
		if !errors.Is(err, sqlite3.BUSY) && !errors.Is(err, sqlite3.PROTOCOL) {
			return err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return fmt.Errorf("%w, last: %w", ended(ctx), err)
		}
	}
}
