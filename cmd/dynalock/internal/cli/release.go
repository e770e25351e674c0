package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

func (a *app) releaseCommand() *cobra.Command {
	var t tenureFlags
	c := &cobra.Command{
		Use: "release [flags] [KEY]", Short: "Release a lock that acquire took",
		Long: "Release ends a tenure and frees the lock. The exit code is 1 if there is nothing\n" +
			"to release, or another owner holds the lock; nothing changes then.\n" + tenureLong,
		Example: "  DYNALOCK_HANDLE=$handle dynalock release\n" +
			"  dynalock release --handle-file lock.handle\n" +
			"  dynalock release deploy --owner \"ci-$PIPELINE_ID\"",
		Args: cobra.MaximumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		which, err := t.resolve(a, args)
		if err != nil {
			return err
		}
		return a.with(c.Context(), func(o *opened) error { return a.release(c.Context(), o, which) })
	}
	t.register(c.Flags())
	return c
}

func (a *app) release(ctx context.Context, o *opened, which tenure) error {
	if which.handle == "" {
		if err := o.releaseByOwner(ctx, which.key); err != nil {
			return err
		}
		return a.done(which.key, "released")
	}
	lock, err := o.AttachLock(ctx, which.handle)
	if errors.Is(err, dynalock.ErrNotHeld) {
		return nothing("there is nothing to release: %s", message(err))
	}
	if err != nil {
		return err
	}
	if err := which.compare(lock.Key()); err != nil {
		return err
	}
	if err := lock.Release(ctx); err != nil {
		return err
	}
	return a.done(lock.Key(), "released")
}

// releaseByOwner tells a free lock, which ReleaseLock takes for done.
func (o *opened) releaseByOwner(ctx context.Context, key string) error {
	info, err := o.GetLock(ctx, key)
	if errors.Is(err, dynalock.ErrNotFound) || err == nil && info.State == dynalock.StateReleased {
		return nothing("lock %s is free: there is nothing to release", quote(key))
	}
	if err != nil {
		return err
	}
	_, err = o.ReleaseLock(ctx, key)
	return err
}

// done tells that it was done: to people on stderr, to programs on stdout.
func (a *app) done(key, what string) error {
	if a.flags.json {
		return a.printJSON(doneJSON{jsonVersion, key, what})
	}
	a.say("%s %s", what, quote(key))
	return nil
}
