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

// ErrNotLeader says that the jobs are not to run here. The error of
// [Elector.IsLeader] matches it, and what is known of why.
var ErrNotLeader = errors.New("gocronlock: not the leader")

var errElectorClosed = errors.New("the elector was closed")

// campaignPause is how long an elector waits after a failure. The client has
// tried for up to 15 s by then.
const campaignPause = time.Second

// An Elector is a gocron.Elector: it leads while it holds one lock. It stands
// for election from the start until [Elector.Close], first come first served.
type Elector struct {
	client *dynalock.Client
	key    string

	stop  context.CancelFunc
	first chan struct{} // closed with the first answer
	done  chan struct{} // closed when the campaign is over

	mu   sync.Mutex
	lock *dynalock.Lock // the last one had; nil: none yet
	err  error          // why there is none
}

var _ gocron.Elector = (*Elector)(nil)

// NewElector gives an elector, and begins its campaign, by the lock of that
// key. Close ends it, before the caller closes the client. The lock is live
// (dynalock.KeepAlive): when the process dies, another leads after its lease,
// 20 s unless the client's defaults (dynalock.WithDefaults) say otherwise.
//
// Leading costs a renewal, one write, every third of a lease; waiting costs one
// write and the reads of dynalock.WithPollInterval.
func NewElector(client *dynalock.Client, key string) (*Elector, error) {
	if client == nil {
		return nil, errors.New("gocronlock: the client is nil")
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &Elector{
		client: client, key: key, stop: stop,
		first: make(chan struct{}), done: make(chan struct{}),
	}
	go e.campaign(ctx)
	return e, nil
}

// IsLeader is nil while this elector can prove that it holds the lock, and an
// error that matches [ErrNotLeader] otherwise. It sends nothing. Before the
// store's first answer it waits for that, so that a job that runs at the start
// is not skipped on the leader; at most until ctx ends.
//
// It is an answer about now: a run that it allowed goes on after a loss, unless
// the job uses [Elector.Context].
func (e *Elector) IsLeader(ctx context.Context) error {
	select {
	case <-e.first:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotLeader, ctx.Err())
	}
	lock, err := e.now()
	if lock != nil {
		err = lock.Err()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotLeader, err)
	}
	return nil
}

// Context gives a copy of parent that ends when this elector leads no longer;
// context.Cause then says why. Where it does not lead now, the context has
// ended already.
func (e *Elector) Context(parent context.Context) (context.Context, context.CancelFunc) {
	lock, _ := e.now()
	return contextOf(parent, lock)
}

// Close ends the campaign and gives up the lead, so that another can have it at
// once. Shut the scheduler down first: its jobs run as the leader's. If ctx ends
// first, the release goes on in the background, within a bound.
func (e *Elector) Close(ctx context.Context) error {
	e.stop()
	select {
	case <-e.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	lock, _ := e.now()
	if lock == nil {
		return nil
	}
	err := lock.Release(ctx)
	if errors.Is(err, dynalock.ErrLost) {
		return nil // there is nothing left to give up
	}
	return err
}

func (e *Elector) now() (*dynalock.Lock, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lock, e.err
}

func (e *Elector) note(lock *dynalock.Lock, err error) {
	e.mu.Lock()
	e.lock, e.err = lock, err
	e.mu.Unlock()
}

// campaign tries once, for an answer, and then waits in the lock's queue. The
// lock that it has when it ends is left to Close.
func (e *Elector) campaign(ctx context.Context) {
	defer close(e.done)
	lock, err := e.client.AcquireLock(ctx, e.key, dynalock.KeepAlive(), dynalock.WaitFor(0))
	e.note(lock, err)
	close(e.first)
	for {
		switch {
		case err == nil:
			select {
			case <-lock.Done():
			case <-ctx.Done():
				return
			}
		case errors.Is(err, dynalock.ErrHeld):
		case permanent(err):
			return
		default:
			select {
			case <-time.After(campaignPause):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			e.note(nil, errElectorClosed)
			return
		}
		lock, err = e.client.AcquireLock(ctx, e.key, dynalock.KeepAlive(), dynalock.Wait())
		e.note(lock, err)
	}
}

// permanent failures are those of the settings, and the client's end.
func permanent(err error) bool {
	return errors.Is(err, dynalock.ErrClosed) || errors.Is(err, dynalock.ErrInvalidKey) || errors.Is(err, dynalock.ErrInvalidOption)
}
