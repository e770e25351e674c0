package certmagiclock

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/certmagic"
)

// Storage gives s with the locks of l in the place of its own.
func (l *Locker) Storage(s certmagic.Storage) certmagic.Storage {
	return &storage{Storage: s, locker: l}
}

type storage struct {
	certmagic.Storage
	locker *Locker
}

func (s *storage) Lock(ctx context.Context, name string) error   { return s.locker.Lock(ctx, name) }
func (s *storage) Unlock(ctx context.Context, name string) error { return s.locker.Unlock(ctx, name) }

func (s *storage) TryLock(ctx context.Context, name string) (bool, error) {
	return s.locker.TryLock(ctx, name)
}

func (s *storage) RenewLockLease(ctx context.Context, name string, d time.Duration) error {
	return s.locker.RenewLockLease(ctx, name, d)
}

// String is for certmagic's logs, which name the storage.
func (s *storage) String() string { return fmt.Sprintf("%v, locks in dynalock", s.Storage) }
