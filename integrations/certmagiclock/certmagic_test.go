package certmagiclock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Three machines that want one certificate order it once; many names go side by
// side.
func TestObtainOnce(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		const names = 4
		var all sync.WaitGroup
		for _, m := range []*machine{c.machine("a"), c.machine("b"), c.machine("c")} {
			for i := range names {
				all.Go(func() {
					if err := m.certs.ObtainCertSync(bg, name(i)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		c.ca.want(t, names)
		if c.ca.most != names {
			t.Errorf("%d orders at once, want %d", c.ca.most, names)
		}
	})
}

// A machine that dies while it orders holds up the others for a lease.
func TestObtainAfterACrash(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		must(t, a.Lock(bg, "issue_cert_"+name(1)))
		a.net.Down(faultstore.BlackHole())
		began := time.Now()
		must(t, b.certs.ObtainCertSync(bg, name(1)))
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%v", took)
		}
		c.ca.want(t, 1)
	})
}

// An order whose context ends gives the lock free all the same.
func TestObtainCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		ctx, cancel := context.WithTimeout(bg, 2*time.Second)
		defer cancel()
		if err := a.certs.ObtainCertSync(ctx, name(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		began := time.Now()
		must(t, b.certs.ObtainCertSync(bg, name(1)))
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("the other waited: %v", took)
		}
	})
}

// An order that failed is tried again after a minute. By then the lock was lost to
// a machine that orders successfully: the first one makes no order beside it and
// finds the certificate.
func TestObtainAgainWithoutTheLock(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		c.ca.fail = 1
		done := make(chan error, 1)
		go func() { done <- a.certs.ObtainCertAsync(bg, name(1)) }()
		time.Sleep(time.Second)
		key := "issue_cert_" + name(1)
		info, err := b.client.GetLock(bg, key)
		must(t, err)
		_, err = b.client.ForceRelease(bg, key, info.Token)
		must(t, err)
		must(t, b.Lock(bg, key))
		time.Sleep(2 * time.Minute) // a's try of the first minute finds the lock taken
		c.ca.want(t, 1)
		must(t, b.Unlock(bg, key))
		must(t, b.certs.ObtainCertSync(bg, name(1)))
		must(t, <-done)
		c.ca.want(t, 2)
	})
}

// The same, but nobody took the lost lock: it is taken again.
func TestObtainAgainTakesTheLockAgain(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		c.ca.fail = 1
		done := make(chan error, 1)
		go func() { done <- a.certs.ObtainCertAsync(bg, name(1)) }()
		time.Sleep(time.Second)
		a.net.Down(faultstore.BlackHole())
		time.Sleep(40 * time.Second) // longer than a lease
		a.net.Up()
		time.Sleep(22 * time.Second) // in the second order
		if ok, err := b.TryLock(bg, "issue_cert_"+name(1)); ok || err != nil {
			t.Error(ok, err)
		}
		must(t, <-done)
		c.ca.want(t, 2)
		ok, err := b.TryLock(bg, "issue_cert_"+name(1))
		if !ok || err != nil {
			t.Error(ok, err)
		}
	})
}

// A loss during an order is in certmagic's log.
func TestLossIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		core, logs := observer.New(zapcore.ErrorLevel)
		a.certs.Logger = zap.New(core)
		done := make(chan error, 1)
		go func() { done <- a.certs.ObtainCertSync(bg, name(1)) }()
		time.Sleep(time.Second)
		key := "issue_cert_" + name(1)
		info, err := b.client.GetLock(bg, key)
		must(t, err)
		_, err = b.client.ForceRelease(bg, key, info.Token)
		must(t, err)
		must(t, b.Lock(bg, key))
		must(t, <-done)
		if n := logs.FilterMessage("unable to unlock").Len(); n != 1 {
			t.Errorf("%d lines: %v", n, logs.All())
		}
	})
}

// CleanUpOwnLocks at the end of a process, with a context that has ended.
func TestCleanUpOwnLocks(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := c.machine("a"), c.machine("b")
		go a.certs.ObtainCertSync(bg, name(1))
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(bg)
		cancel()
		certmagic.CleanUpOwnLocks(ctx, zap.NewNop())
		synctest.Wait()
		ok, err := b.TryLock(bg, "issue_cert_"+name(1))
		if !ok || err != nil {
			t.Error(ok, err)
		}
		time.Sleep(time.Minute)
	})
}
