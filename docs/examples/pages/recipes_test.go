package pages_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// docs/recipes/ecs-lambda.md: the lease lasts as long as the invocation may.
func TestLambdaRecipe(t *testing.T) {
	t.Parallel()
	table := dynalocktest.New(t)
	client, other := table.Client(), table.Client()
	handle := func(ctx context.Context, work func()) error {
		lock, err := client.AcquireLock(ctx, "nightly", dynalock.LeaseFromContext(ctx, 2*time.Second))
		if errors.Is(err, dynalock.ErrHeld) {
			return nil // another invocation does it
		}
		if err != nil {
			return err
		}
		defer lock.Release(context.WithoutCancel(ctx))
		work()
		return nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	times := 0
	err := handle(ctx, func() {
		times++
		info, err := other.GetLock(ctx, "nightly")
		if err != nil || info.Lease < 60*time.Second || info.Lease > 62*time.Second {
			t.Errorf("%v, lease %v", err, info.Lease)
		}
		if err := handle(ctx, func() { times++ }); err != nil {
			t.Error(err)
		}
	})
	if err != nil || times != 1 {
		t.Errorf("done %d times, %v", times, err)
	}
}
