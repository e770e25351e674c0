package cli

import (
	"context"
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

const acquireLong = `Acquire takes a durable lock: it outlives this command, and ends when it is
released or its lease does (30 days, unless --lease says otherwise).

It prints a handle, with which the other commands renew, update and release this
tenure, on any machine. Whoever has the handle can do that, so keep it out of
logs. With a fixed --owner the key does instead of the handle. Being of the same
owner never lets a second acquire through.`

const acquireExample = `  handle=$(dynalock acquire deploy --wait-for 10m --lease 1h)
  DYNALOCK_HANDLE=$handle dynalock release
  dynalock acquire migration --owner "ci-$PIPELINE_ID" >/dev/null
  dynalock release migration --owner "ci-$PIPELINE_ID"`

func (a *app) acquireCommand() *cobra.Command {
	var l lockFlags
	var lease string
	c := &cobra.Command{
		Use: "acquire [flags] KEY", Short: "Take a durable lock and print its handle",
		Long: acquireLong, Example: acquireExample, Args: oneKey,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		opts, err := l.options(a.Stdin)
		if err != nil {
			return err
		}
		switch {
		case lease == "none":
			opts = append(opts, dynalock.WithoutLease())
		case c.Flags().Changed("lease"):
			d, err := parseDuration(lease)
			if err != nil {
				return usagef(`--lease %q is neither "none" nor a time span such as 90s, 2h or 30d`, lease)
			}
			opts = append(opts, dynalock.WithLease(d))
		}
		return a.acquire(c.Context(), args[0], opts, l.heldCode)
	}
	fs := c.Flags()
	fs.SortFlags = false
	l.register(fs)
	fs.StringVar(&lease, "lease", "", `how long the lock lasts unless it is renewed; "none": until released (default 30d)`)
	return c
}

// oneKey is for commands that take a key and nothing else.
func oneKey(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 1:
		return noHandle(args[0])
	case len(args) == 0:
		return usagef("which key? (one that begins with a dash comes after \"--\")")
	}
	return usagef("one key at a time, and there are %d arguments: quote a key that has spaces", len(args))
}

func (a *app) acquire(ctx context.Context, key string, opts []dynalock.AcquireOption, heldCode int) error {
	note := a.newWaitNote()
	return a.with(ctx, func(o *opened) error {
		lock, err := o.AcquireLock(ctx, key, opts...)
		note.end()
		var held *dynalock.HeldError
		if errors.As(err, &held) && ctx.Err() == nil {
			return &codeError{code: heldCode, text: a.heldText(held), err: err}
		}
		if err != nil {
			return err
		}
		if err := a.printAcquired(lock); err != nil {
			// Without its handle nobody could release it.
			return errors.Join(err, lock.Release(context.WithoutCancel(ctx)))
		}
		return nil
	}, dynalock.WithObserver(note.observe))
}

func (a *app) printAcquired(lock *dynalock.Lock) error {
	if !a.flags.json {
		if err := a.printf("%s\n", lock.Handle()); err != nil {
			return err
		}
		a.say("acquired %s", describe(lock))
		return nil
	}
	return a.printJSON(newTenureJSON(lock, true))
}

func newTenureJSON(lock *dynalock.Lock, handle bool) tenureJSON {
	j := tenureJSON{
		Version: jsonVersion, Key: lock.Key(), Owner: lock.Owner(), Token: lock.Token(), Expires: moment(lock.Deadline()),
	}
	if handle {
		j.Handle = lock.Handle()
	}
	return j
}

// describe tells of a lock what is no secret.
func describe(lock *dynalock.Lock) string {
	text := strconv.Quote(lock.Key()) + " as " + strconv.Quote(lock.Owner()) +
		" with token " + strconv.FormatUint(lock.Token(), 10)
	if end := lock.Deadline(); !end.IsZero() {
		return text + ", until " + stamp(end) + " at least"
	}
	return text + ", until it is released"
}
