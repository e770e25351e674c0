package dynalocktest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// lead stands for a program that must stop working when its lock is lost.
func lead(ctx context.Context, client *dynalock.Client) error {
	return client.Do(ctx, "leader", func(ctx context.Context, _ *dynalock.Lock) error {
		<-ctx.Done()
		return nil
	})
}

// How a program's own test looks: whatever ends the lock, the work ends, and
// its error says why.
func TestWorkEndsWithTheLock(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(*dynalocktest.Table)
		want    dynalock.Reason
	}{
		"taken over":   {func(b *dynalocktest.Table) { b.TakeOver("leader", "other") }, dynalock.ReasonTakenOver},
		"forced":       {func(b *dynalocktest.Table) { b.Force("leader", "operator") }, dynalock.ReasonForced},
		"removed":      {func(b *dynalocktest.Table) { b.Remove("leader") }, dynalock.ReasonGone},
		"store is cut": {func(b *dynalocktest.Table) { b.Down() }, dynalock.ReasonExpired},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := dynalocktest.New(t)
				client := table.Client(dynalock.WithLockOwnerName("me"))
				ended := make(chan error, 1)
				go func() { ended <- lead(t.Context(), client) }()
				time.Sleep(time.Minute)
				if got := table.Holder("leader"); got != "me" {
					t.Fatalf("held by %q", got)
				}
				test.happens(table)
				began := time.Now()
				err := <-ended
				var lost *dynalock.LostError
				if !errors.As(err, &lost) || lost.Reason != test.want {
					t.Errorf("%v, want the reason %q", err, test.want)
				}
				if took := time.Since(began); took > dynalock.DefaultLiveLease {
					t.Errorf("told after %v", took)
				}
			})
		})
	}
}

// A lock whose lease has ended in the table goes to the next who asks, with a
// higher token.
func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		first, err := table.Client().AcquireLock(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		table.Expire("k")
		second, err := table.Client().AcquireLock(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if second.Token() <= first.Token() {
			t.Errorf("token %d after %d", second.Token(), first.Token())
		}
		reads, writes := table.Requests()
		if reads != 0 || writes < 2 {
			t.Errorf("%d reads, %d writes", reads, writes)
		}
	})
}
