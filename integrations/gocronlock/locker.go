package gocronlock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"

	"github.com/kmdeveloping/dynalock"
)

// DefaultHold is how long a run keeps other nodes out at least. See the
// package comment for how it relates to a job's period.
const DefaultHold = 5 * time.Second

// A Locker is a gocron.Locker: one lock for each run of a job, under the job's
// name. It is safe for concurrent use, by several schedulers too.
type Locker struct {
	client *dynalock.Client
	prefix string
	hold   time.Duration

	mu   sync.Mutex
	runs map[string]*dynalock.Lock // by job
}

var _ gocron.Locker = (*Locker)(nil)

// A LockerOption is a setting of [NewLocker].
type LockerOption func(*Locker)

// HoldAtLeast sets how long a run keeps other nodes out, counted from its start
// by the store's clock: longer than the nodes' moments lie apart, shorter than
// the job's period by a margin, see the package comment. 0: only while the run
// goes on. Default [DefaultHold].
func HoldAtLeast(d time.Duration) LockerOption { return func(l *Locker) { l.hold = d } }

// KeyPrefix sets what the keys of the locks begin with, before the job's name.
// Programs that share a table and name a job alike need it. Default: nothing.
func KeyPrefix(prefix string) LockerOption { return func(l *Locker) { l.prefix = prefix } }

// NewLocker gives a locker on that client, which the caller closes after the
// scheduler has been shut down. The locks are live (dynalock.KeepAlive): they
// end within a lease when the process dies, but not before the time of
// HoldAtLeast. The client's defaults count, for the lease's length for example.
func NewLocker(client *dynalock.Client, opts ...LockerOption) (*Locker, error) {
	l := &Locker{client: client, hold: DefaultHold, runs: map[string]*dynalock.Lock{}}
	if client == nil {
		return nil, errors.New("gocronlock: the client is nil")
	}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("gocronlock: a nil LockerOption")
		}
		o(l)
	}
	if l.hold < 0 || l.hold > dynalock.MaxLease {
		return nil, fmt.Errorf("gocronlock: HoldAtLeast(%v) is not between 0 and %v", l.hold, dynalock.MaxLease)
	}
	return l, nil
}

// Lock takes the lock for a run of that job. It tries once. An error that
// matches dynalock.ErrHeld says that another node runs the job or has just done
// so; gocron gives it to the listener AfterLockError. One write.
func (l *Locker) Lock(ctx context.Context, job string) (gocron.Lock, error) {
	lock, err := l.client.AcquireLock(ctx, l.prefix+job,
		dynalock.KeepAlive(), dynalock.HoldAtLeast(l.hold), dynalock.WaitFor(0))
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.runs[job] = lock
	l.mu.Unlock()
	return &run{locker: l, job: job, lock: lock}, nil
}

// Context gives a copy of parent, the job's context, that ends with the lock of
// the run that goes on in this process; context.Cause then says how. It is for
// jobs that must not go on once they lost their lock:
//
//	gocron.NewTask(func(ctx context.Context) error {
//		ctx, cancel := locker.Context(ctx, "report")
//		defer cancel()
//		return report(ctx)
//	})
//
// Where no run goes on, the context has ended already, with dynalock.ErrNotHeld.
func (l *Locker) Context(parent context.Context, job string) (context.Context, context.CancelFunc) {
	l.mu.Lock()
	lock := l.runs[job]
	l.mu.Unlock()
	return contextOf(parent, lock)
}

func contextOf(parent context.Context, lock *dynalock.Lock) (context.Context, context.CancelFunc) {
	if lock != nil {
		return lock.Context(parent)
	}
	ctx, cancel := context.WithCancelCause(parent)
	cancel(dynalock.ErrNotHeld)
	return ctx, func() {}
}

// A run is one run of a job.
type run struct {
	locker *Locker
	job    string
	lock   *dynalock.Lock
}

// Unlock ends the run. gocron calls it with the job's context, which has ended
// if the scheduler is being shut down; the release is sent all the same, and
// limits itself to 30 s.
func (r *run) Unlock(ctx context.Context) error {
	r.locker.mu.Lock()
	if r.locker.runs[r.job] == r.lock { // and not that of a later run, after a loss
		delete(r.locker.runs, r.job)
	}
	r.locker.mu.Unlock()
	return r.lock.Release(context.WithoutCancel(ctx))
}
