package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

const renewLong = `Renew makes a lock's lease begin anew, with another length if --lease says so.

By handle the tenure stays the same, with its token. By owner name the tenure is
taken over from whoever has its handle: it goes on with a higher token and, with
--print-handle, a new handle; the former handle and whoever uses it end. It also
works after the lease ran out, as long as nobody took the lock since.
` + tenureLong

func (a *app) renewCommand() *cobra.Command {
	var t tenureFlags
	var lease time.Duration
	var printHandle bool
	c := &cobra.Command{
		Use: "renew [flags] [KEY]", Short: "Make a lock's lease begin anew", Long: renewLong,
		Example: "  DYNALOCK_HANDLE=$handle dynalock renew --lease 2h\n" +
			"  dynalock renew deploy --owner \"ci-$PIPELINE_ID\"",
		Args: cobra.MaximumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		which, err := t.resolve(a, args)
		if err != nil {
			return err
		}
		if !c.Flags().Changed("lease") {
			lease = 0
		} else if lease < dynalock.MinLease || lease > dynalock.MaxLease {
			return usagef("--lease %s is not between %s and %s", short(lease), short(dynalock.MinLease), short(dynalock.MaxLease))
		}
		return a.with(c.Context(), func(o *opened) error {
			lock, err := o.renew(c.Context(), which, lease)
			if err != nil {
				return err
			}
			return a.printRenewed(lock, printHandle)
		})
	}
	durationVar(c.Flags(), &lease, "lease", "another length, which later renewals keep (default: as it was)")
	c.Flags().BoolVar(&printHandle, "print-handle", false, "print the handle: a secret")
	t.register(c.Flags())
	return c
}

func (o *opened) renew(ctx context.Context, which tenure, lease time.Duration) (*dynalock.Lock, error) {
	if which.handle == "" {
		if lease == 0 {
			return o.ResumeLock(ctx, which.key)
		}
		return o.ResumeLock(ctx, which.key, dynalock.WithLease(lease))
	}
	lock, err := o.AttachLock(ctx, which.handle) // this renews
	if err != nil {
		return nil, err
	}
	if err := which.compare(lock.Key()); err != nil {
		return nil, err
	}
	if lease == 0 {
		return lock, nil
	}
	return lock, lock.Extend(ctx, lease)
}

func (a *app) printRenewed(lock *dynalock.Lock, handle bool) error {
	if a.flags.json {
		return a.printJSON(newTenureJSON(lock, handle))
	}
	if handle {
		if err := a.printf("%s\n", lock.Handle()); err != nil {
			return err
		}
	}
	a.say("renewed %s", describe(lock))
	return nil
}
