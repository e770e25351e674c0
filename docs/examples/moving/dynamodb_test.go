package moving_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// What docs/moving/cirello.md and awslabs.md show. The programs before are not
// here: that module is not to be had by every proxy, and the other one is Java.

func newClient(table func(...dynalock.ClientOption) *dynalock.Client, host string) *dynalock.Client {
	return table(
		dynalock.WithLockOwnerName(host),
		dynalock.WithDefaults(dynalock.KeepAlive(), dynalock.WithLease(20*time.Second)),
	)
}

func work(ctx context.Context, client *dynalock.Client, f func(context.Context, []byte) error) error {
	lock, err := client.AcquireLock(ctx, "spock",
		dynalock.WithData([]byte("some content")), dynalock.WaitFor(time.Minute))
	if err != nil {
		return err // errors.Is(err, dynalock.ErrHeld): not within a minute
	}
	defer lock.Release(context.WithoutCancel(ctx))
	ctx, cancel := lock.Context(ctx)
	defer cancel()
	go func() {
		select {
		case <-lock.Expiring(5 * time.Second): // the danger zone: renewals fail
			cancel()
		case <-lock.Done():
		}
	}()
	return f(ctx, lock.Data())
}

func TestInsteadOfCirello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		client, other := newClient(table.Client, "host-1"), newClient(table.Client, "host-2")
		err := work(t.Context(), client, func(ctx context.Context, data []byte) error {
			time.Sleep(time.Hour) // renewed meanwhile
			if _, err := other.AcquireLock(ctx, "spock"); !errors.Is(err, dynalock.ErrHeld) || string(data) != "some content" {
				t.Errorf("%v, data %q", err, data)
			}
			table.Down()
			cut := time.Now()
			<-ctx.Done()
			if left := 20*time.Second - time.Since(cut); left < 0 || left > 15*time.Second {
				t.Errorf("ended %v before the lease", left)
			}
			table.Up()
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := work(t.Context(), other, func(context.Context, []byte) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
