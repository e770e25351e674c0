package pages_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// lockAll takes several locks in one order, so that two callers never wait for
// each other, or none of them.
func lockAll(ctx context.Context, client *dynalock.Client, keys ...string) (release func(), err error) {
	var locks []*dynalock.Lock
	release = func() {
		for _, l := range locks {
			_ = l.Release(context.WithoutCancel(ctx))
		}
	}
	keys = slices.Clone(keys)
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		l, err := client.AcquireLock(ctx, key, dynalock.KeepAlive(), dynalock.WaitFor(time.Minute))
		if err != nil {
			release()
			return nil, err
		}
		locks = append(locks, l)
	}
	return release, nil
}

func TestLockAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		var all sync.WaitGroup
		turns := 0
		for _, keys := range [][]string{{"x", "y"}, {"y", "x", "y"}} {
			client := table.Client()
			all.Go(func() {
				for range 50 {
					release, err := lockAll(t.Context(), client, keys...)
					if err != nil {
						t.Error(err)
						return
					}
					turns++ // the locks keep it from being a race
					time.Sleep(10 * time.Millisecond)
					release()
				}
			})
		}
		all.Wait()
		if turns != 100 {
			t.Errorf("%d turns", turns)
		}
		client := table.Client()
		if _, err := client.AcquireLock(t.Context(), "y"); err != nil {
			t.Fatal(err)
		}
		if _, err := lockAll(t.Context(), table.Client(), "x", "y", "z"); !errors.Is(err, dynalock.ErrHeld) {
			t.Errorf("with one of them held: %v", err)
		}
		if holder := table.Holder("x") + table.Holder("z"); holder != "" {
			t.Errorf("kept by %q", holder)
		}
	})
}
