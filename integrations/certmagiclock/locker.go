package certmagiclock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/kmdeveloping/dynalock"
)

// A Locker is certmagic's Locker on a dynalock client. It is safe for concurrent
// use.
type Locker struct {
	client *dynalock.Client
	prefix string

	mu    sync.Mutex
	names map[string]*place // those that somebody has or wants
}

var (
	_ certmagic.Locker           = (*Locker)(nil)
	_ certmagic.TryLocker        = (*Locker)(nil)
	_ certmagic.LockLeaseRenewer = (*Locker)(nil)
)

// A place is one name in this process. The gate lets in one caller of Lock at a
// time, until its Unlock: also if it loses the lock meanwhile. Unlock has only the
// name to go by, so there must never be two whom it could mean.
type place struct {
	gate chan struct{}
	uses int            // who is inside or waits; under Locker.mu
	lock *dynalock.Lock // of who is inside; nil: not yet, or no longer; under Locker.mu
}

// An Option is a setting of [New].
type Option func(*Locker)

// KeyPrefix sets what the keys of the locks begin with, before certmagic's name
// such as "issue_cert_example.com". Programs that share a table but not their
// certificates need it. Default: nothing.
func KeyPrefix(prefix string) Option { return func(l *Locker) { l.prefix = prefix } }

// New gives a locker on that client, which the caller closes at the end of the
// program. The client's defaults count, for the lease's length for example.
func New(client *dynalock.Client, opts ...Option) (*Locker, error) {
	if client == nil {
		return nil, errors.New("certmagiclock: the client is nil")
	}
	l := &Locker{client: client, names: map[string]*place{}}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("certmagiclock: a nil Option")
		}
		o(l)
	}
	return l, nil
}

// Lock takes the lock of that name, waiting until it is free or ctx ends. A free
// lock costs one write; waiting costs one and reads.
func (l *Locker) Lock(ctx context.Context, name string) error {
	p := l.enter(name)
	select {
	case p.gate <- struct{}{}:
	case <-ctx.Done():
		l.leave(name, p)
		return fmt.Errorf("certmagiclock: waiting for %q: %w", name, ctx.Err())
	}
	return l.inside(ctx, name, p, dynalock.Wait())
}

// TryLock takes the lock of that name if it is free, and answers at once. One
// write.
func (l *Locker) TryLock(ctx context.Context, name string) (bool, error) {
	p := l.enter(name)
	select {
	case p.gate <- struct{}{}:
	default:
		l.leave(name, p)
		return false, nil
	}
	err := l.inside(ctx, name, p, dynalock.WaitFor(0))
	if errors.Is(err, dynalock.ErrHeld) && ctx.Err() == nil {
		return false, nil
	}
	return err == nil, err
}

// Unlock releases the lock of that name, by one write, whatever becomes of ctx;
// within 30 s. dynalock.ErrNotHeld if this process has not taken it, or, as a
// *dynalock.LostError, if it was lost meanwhile. A lock whose release fails ends
// with its lease; in this process it is free again.
func (l *Locker) Unlock(ctx context.Context, name string) error {
	l.mu.Lock()
	p := l.names[name]
	if p == nil || p.lock == nil {
		l.mu.Unlock()
		return notHeld(name)
	}
	lock := p.lock
	p.lock = nil
	l.mu.Unlock()
	defer l.out(name, p)
	return lock.Release(context.WithoutCancel(ctx))
}

// RenewLockLease says whether the lock of that name, taken by Lock, is still
// held. Its renewal goes on by itself, so that nothing is sent and the duration
// does not count. A lost lock is taken again if it is free, by one write.
func (l *Locker) RenewLockLease(ctx context.Context, name string, _ time.Duration) error {
	l.mu.Lock()
	p := l.names[name]
	if p == nil || p.lock == nil {
		l.mu.Unlock()
		return notHeld(name)
	}
	former := p.lock
	l.mu.Unlock()
	if former.Held() {
		return nil
	}
	lock, err := l.acquire(ctx, name, dynalock.WaitFor(0))
	if err != nil {
		return err
	}
	l.mu.Lock()
	stays := p.lock == former
	if stays {
		p.lock = lock
	}
	l.mu.Unlock()
	if stays {
		return nil
	}
	// Unlock came between, or another call took it again.
	return errors.Join(notHeld(name), lock.Release(context.WithoutCancel(ctx)))
}

func notHeld(name string) error {
	return fmt.Errorf("certmagiclock: %q: %w", name, dynalock.ErrNotHeld)
}

func (l *Locker) acquire(ctx context.Context, name string, patience dynalock.AcquireOption) (*dynalock.Lock, error) {
	return l.client.AcquireLock(ctx, l.prefix+name, dynalock.KeepAlive(), patience)
}

// inside takes the lock for who has passed the gate.
func (l *Locker) inside(ctx context.Context, name string, p *place, patience dynalock.AcquireOption) error {
	lock, err := l.acquire(ctx, name, patience)
	if err != nil {
		l.out(name, p)
		return err
	}
	l.mu.Lock()
	p.lock = lock
	l.mu.Unlock()
	return nil
}

// out opens the gate for the next.
func (l *Locker) out(name string, p *place) {
	<-p.gate
	l.leave(name, p)
}

func (l *Locker) enter(name string) *place {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.names[name]
	if p == nil {
		p = &place{gate: make(chan struct{}, 1)}
		l.names[name] = p
	}
	p.uses++
	return p
}

func (l *Locker) leave(name string, p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.uses--; p.uses == 0 {
		delete(l.names, name)
	}
}
