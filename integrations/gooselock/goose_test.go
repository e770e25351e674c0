package gooselock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock/locktesting"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/gooselock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// goose's own test of a locker: five instances, one of which applies everything.
func TestProviderLocking(t *testing.T) {
	table, path := memstore.New(), t.TempDir()+"/orders.db"
	files := fstest.MapFS{}
	for i := range 5 {
		files[fmt.Sprintf("%05d_step.sql", i+1)] = &fstest.MapFile{
			Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE t%d (id INTEGER);\n", i),
		}
	}
	locktesting.TestProviderLocking(t, func(t *testing.T) *goose.Provider {
		client := dynalock.New(table)
		t.Cleanup(func() { must(t, client.Close(bg)) })
		locker, err := gooselock.New(client, "migrate/orders")
		must(t, err)
		p, err := goose.NewProvider(goose.DialectSQLite3, open(t, path), files, goose.WithLocker(locker))
		must(t, err)
		return p
	})
}

// A migration that takes longer than leases is made once; who waits finds it done.
func TestLongMigration(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		a, b := f.instance("a"), f.instance("b")
		first := a.up(bg)
		time.Sleep(time.Second)
		second := b.up(bg)
		if r := <-first; r.done != 1 || r.err != nil {
			t.Errorf("the first: %+v", r)
		}
		if r := <-second; r.done != 0 || r.err != nil {
			t.Errorf("the second: %+v", r)
		}
		if f.began != 1 {
			t.Errorf("%d migrations", f.began)
		}
	})
}

// An instance that is cut off from the locks ends its migration before another
// begins, and says why.
func TestContextEndsWithTheLock(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		a, b := f.instance("a"), f.instance("b")
		ctx, stop := gooselock.Context(bg)
		defer stop()
		first := a.up(ctx)
		time.Sleep(time.Second)
		second := b.up(bg)
		a.net.Down(faultstore.BlackHole())
		if r := <-first; r.done != 0 || !errors.Is(r.err, dynalock.ErrLost) {
			t.Errorf("the first: %+v", r)
		}
		if !errors.Is(context.Cause(ctx), dynalock.ErrLost) {
			t.Error(context.Cause(ctx))
		}
		if r := <-second; r.done != 1 || r.err != nil {
			t.Errorf("the second: %+v", r)
		}
		if f.most != 1 {
			t.Errorf("%d migrations at once", f.most)
		}
	})
}

// Without Context the loss is told afterwards.
func TestLossIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		a := f.instance("a")
		first := a.up(bg)
		time.Sleep(time.Second)
		a.net.Down(faultstore.BlackHole())
		r := <-first
		var lost *dynalock.LostError
		if !errors.As(r.err, &lost) || lost.Reason != dynalock.ReasonExpired {
			t.Errorf("%+v", r)
		}
	})
}

// A context that ends within the migration, or while waiting, leaves nothing
// behind; and its end is not that of the lock.
func TestCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		a, b := f.instance("a"), f.instance("b")
		ctx, cancel := context.WithTimeout(bg, time.Minute)
		defer cancel()
		guarded, stop := gooselock.Context(ctx)
		defer stop()
		first := a.up(guarded)
		time.Sleep(time.Second)
		soon, cancelSoon := context.WithTimeout(bg, 10*time.Second)
		defer cancelSoon()
		if r := <-b.up(soon); !errors.Is(r.err, context.DeadlineExceeded) || !errors.Is(r.err, dynalock.ErrHeld) {
			t.Errorf("the one that waited: %+v", r)
		}
		if r := <-first; !errors.Is(r.err, context.DeadlineExceeded) || errors.Is(r.err, dynalock.ErrLost) {
			t.Errorf("the one that migrated: %+v", r)
		}
		began := time.Now()
		if r := <-b.up(bg); r.done != 1 || r.err != nil || time.Since(began) > 10*time.Minute+time.Second {
			t.Errorf("the next: %+v after %v", r, time.Since(began))
		}
	})
}

// The guarded context outlives the call, also if the release takes its time.
func TestContextAfterwards(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		a := f.instance("a")
		ctx, stop := gooselock.Context(bg)
		if r := <-a.up(ctx); r.done != 1 || r.err != nil {
			t.Errorf("%+v", r)
		}
		must(t, ctx.Err())
		if r := <-a.up(ctx); r.done != 0 || r.err != nil {
			t.Errorf("again: %+v", r)
		}
		must(t, ctx.Err())
		stop()
		if context.Cause(ctx) != context.Canceled {
			t.Error(context.Cause(ctx))
		}
	})
}

func TestWaitFor(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		a, b, c := f.instance("a"), f.instance("b", gooselock.WaitFor(0)), f.instance("c", gooselock.WaitFor(time.Minute))
		first := a.up(bg)
		time.Sleep(time.Second)
		for i, want := range map[*instance]time.Duration{b: 0, c: time.Minute} {
			began := time.Now()
			r := <-i.up(bg)
			var held *dynalock.HeldError
			if !errors.As(r.err, &held) || held.Owner != "a" {
				t.Errorf("%+v", r)
			}
			if took := time.Since(began); took < want || took > want+time.Second {
				t.Errorf("after %v, want %v", took, want)
			}
		}
		<-first
		if f.began != 1 {
			t.Errorf("%d migrations", f.began)
		}
	})
}

// Two providers of a process that share a locker take turns, also after a loss.
func TestSharedLocker(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		l := f.instance("a").locker
		if err := l.Unlock(bg, nil); !errors.Is(err, dynalock.ErrNotHeld) {
			t.Error(err)
		}
		must(t, l.Lock(bg, nil))
		f.table.Remove("migrate/orders")
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(bg, time.Minute)
		defer cancel()
		if err := l.Lock(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := l.Unlock(bg, nil); !errors.Is(err, dynalock.ErrLost) {
			t.Error(err)
		}
		must(t, l.Lock(bg, nil))
		cancel()
		must(t, l.Unlock(ctx, nil)) // whatever becomes of the context
		if err := l.Unlock(bg, nil); !errors.Is(err, dynalock.ErrNotHeld) {
			t.Error(err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	client := dynalock.New(nil)
	for name, err := range map[string]error{
		"a nil client":    second(gooselock.New(nil, "k")),
		"a nil option":    second(gooselock.New(client, "k", nil)),
		"a negative wait": second(gooselock.New(client, "k", gooselock.WaitFor(-1))),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
