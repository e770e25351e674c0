package gooselock

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pressly/goose/v3/lock"

	"github.com/kmdeveloping/dynalock"
)

// A Locker is goose's database-independent Locker on a dynalock client. It is safe
// for concurrent use; providers that share one take turns.
type Locker struct {
	client   *dynalock.Client
	key      string
	patience dynalock.AcquireOption

	gate chan struct{} // holds one value from Lock to Unlock
	mu   sync.Mutex
	lock *dynalock.Lock
	calm func() // ends the watch for the context of who holds the lock
}

var _ lock.Locker = (*Locker)(nil)

// An Option is a setting of [New].
type Option func(*settings)

type settings struct {
	waitFor time.Duration
	limited bool
}

// WaitFor sets how long Lock waits for other instances at most; 0: it tries once.
// The error of Up matches dynalock.ErrHeld then. Default: until the context ends.
func WaitFor(d time.Duration) Option {
	return func(s *settings) { s.waitFor, s.limited = d, true }
}

// New gives a locker by the lock of that key: one for each database. The caller
// closes the client after the migrations. The client's defaults count, for the
// lease's length for example.
func New(client *dynalock.Client, key string, opts ...Option) (*Locker, error) {
	if client == nil {
		return nil, errors.New("gooselock: the client is nil")
	}
	var s settings
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("gooselock: a nil Option")
		}
		o(&s)
	}
	if s.waitFor < 0 {
		return nil, fmt.Errorf("gooselock: WaitFor(%v) is negative", s.waitFor)
	}
	l := &Locker{client: client, key: key, patience: dynalock.Wait(), gate: make(chan struct{}, 1)}
	if s.limited {
		l.patience = dynalock.WaitFor(s.waitFor)
	}
	return l, nil
}

// Lock takes the lock, waiting for it; goose calls it. The database is not used.
// One write where nobody else has it.
func (l *Locker) Lock(ctx context.Context, _ *sql.DB) error {
	select {
	case l.gate <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("gooselock: waiting for another provider of this process: %w", ctx.Err())
	}
	held, err := l.client.AcquireLock(ctx, l.key, dynalock.KeepAlive(), l.patience)
	if err != nil {
		<-l.gate
		return err
	}
	l.mu.Lock()
	l.lock, l.calm = held, watch(ctx, held)
	l.mu.Unlock()
	return nil
}

// Unlock releases the lock, by one write, within 30 s; goose calls it.
// dynalock.ErrNotHeld if it was not taken or, as a *dynalock.LostError, if it was
// lost meanwhile: another instance may have migrated at the same time.
func (l *Locker) Unlock(ctx context.Context, _ *sql.DB) error {
	l.mu.Lock()
	held, calm := l.lock, l.calm
	l.lock, l.calm = nil, nil
	l.mu.Unlock()
	if held == nil {
		return fmt.Errorf("gooselock: %w", dynalock.ErrNotHeld)
	}
	defer func() { <-l.gate }()
	calm()
	return held.Release(context.WithoutCancel(ctx))
}
