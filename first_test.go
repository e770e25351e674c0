package dynalock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

func TestTwoClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New()
		a := dynalock.New(s, dynalock.WithLockOwnerName("a"))
		b := dynalock.New(s, dynalock.WithLockOwnerName("b"))
		ctx := context.Background()
		l, err := a.AcquireLock(ctx, "k", dynalock.KeepAlive(), dynalock.WithData([]byte("x")))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", l)
		_, err = b.AcquireLock(ctx, "k")
		if !errors.Is(err, dynalock.ErrHeld) {
			t.Fatal(err)
		}
		t.Log(err)
		time.Sleep(5 * time.Minute)
		if !l.Held() {
			t.Fatal(l.Err())
		}
		go func() {
			time.Sleep(10 * time.Second)
			if err := l.Release(ctx); err != nil {
				t.Error(err)
			}
		}()
		m, err := b.AcquireLock(ctx, "k", dynalock.Wait(), dynalock.WithLease(2*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Data()) != "x" || m.Token() <= l.Token() {
			t.Error(m.Data(), m.Token())
		}
		time.Sleep(3 * time.Second)
		t.Log(m.Err())
		n, err := a.AcquireLock(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		ok, err := a.ReleaseLock(ctx, "k")
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		t.Log(n, n.Release(ctx))
		if err := a.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
