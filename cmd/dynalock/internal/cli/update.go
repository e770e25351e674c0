package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) updateCommand() *cobra.Command {
	var t tenureFlags
	var d dataFlags
	var clear bool
	c := &cobra.Command{
		Use: "update [flags] [KEY]", Short: "Replace the data stored with a lock",
		Long: "Update replaces the data stored with a lock that is held. It does not renew by\n" +
			"owner name; by handle it does.\n" + tenureLong,
		Example: "  dynalock update --handle-file lock.handle --data 'step 3 of 7'\n" +
			"  dynalock run export -- sh -c 'dynalock update \"$DYNALOCK_KEY\" --data \"page $n\"'",
		Args: cobra.MaximumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if d.file == "-" && t.file == "-" {
			return usagef("--data-file and --handle-file cannot both be stdin")
		}
		data, given, err := d.read(c.Flags().Changed, a.Stdin)
		switch {
		case err != nil:
			return err
		case given && clear:
			return usagef("--clear is without data")
		case !given && !clear:
			return usagef("what data? --data TEXT, --data-file FILE, or --clear")
		}
		which, err := t.resolve(a, args)
		if err != nil {
			return err
		}
		return a.with(c.Context(), func(o *opened) error { return a.update(c.Context(), o, which, data) })
	}
	d.register(c.Flags(), "the new data", "file that holds the new data")
	c.Flags().BoolVar(&clear, "clear", false, "remove the data")
	t.register(c.Flags())
	return c
}

func (a *app) update(ctx context.Context, o *opened, which tenure, data []byte) error {
	if which.handle == "" {
		if err := o.UpdateLock(ctx, which.key, data); err != nil {
			return err
		}
		return a.done(which.key, "updated")
	}
	lock, err := o.AttachLock(ctx, which.handle)
	if err != nil {
		return err
	}
	if err := which.compare(lock.Key()); err != nil {
		return err
	}
	if err := lock.Update(ctx, data); err != nil {
		return err
	}
	return a.done(lock.Key(), "updated")
}
