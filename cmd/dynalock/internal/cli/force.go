package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

const forceLong = `Force-release ends a tenure, whoever holds it: for a holder that will not come
back before its lease ends. --token names the tenure that you looked at (dynalock
get KEY); if another has the lock by now, nothing changes and the exit code is 75.
A lock that is free already is success.

The former holder learns of it at its next request, and until then believes that
it holds: make sure that it is dead, or that what it writes to refuses its token.`

func (a *app) forceReleaseCommand() *cobra.Command {
	var token uint64
	var yes bool
	c := &cobra.Command{
		Use: "force-release [flags] --token N KEY", Short: "End another's tenure", Long: forceLong, Args: oneKey,
		Example: "  dynalock get nightly\n  dynalock force-release --token 1764060441000000 nightly",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.with(c.Context(), func(o *opened) error {
			f := forcing{a: a, o: o, key: args[0], token: token, yes: yes}
			return f.run(c.Context(), c.Flags().Changed("token"))
		})
	}
	c.Flags().Uint64Var(&token, "token", 0, "the tenure's token, as get and ls show it")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

type forcing struct {
	a     *app
	o     *opened
	key   string
	token uint64
	yes   bool
}

func (f *forcing) run(ctx context.Context, named bool) error {
	info, err := f.o.GetLock(ctx, f.key)
	switch {
	case errors.Is(err, dynalock.ErrNotFound) || err == nil && info.State == dynalock.StateReleased:
		return f.free()
	case err != nil:
		return err
	case !named:
		return usagef("--token says which tenure you mean. Now the lock is held by %s since %s:\n%s",
			shown(info.Owner), stamp(info.Since), f.a.forceCommand(f.key, info.Token))
	case info.Token == f.token && !f.yes:
		if err := f.ask(ctx, info); err != nil {
			return err
		}
	}
	was, err := f.o.ForceRelease(ctx, f.key, f.token)
	var held *dynalock.HeldError
	switch {
	case errors.Is(err, dynalock.ErrNotHeld) || errors.Is(err, dynalock.ErrNotFound):
		return f.free()
	case errors.As(err, &held):
		return &codeError{code: exitHeld, err: err, text: fmt.Sprintf(
			"token %d is not the holder's: nothing was changed. %s", f.token, f.a.heldText(held))}
	case err != nil:
		return err
	}
	if f.a.flags.json {
		return f.a.printJSON(newLockJSON(was, false))
	}
	f.a.say("released %s, which was held by %s since %s", quote(f.key), shown(was.Owner), stamp(was.Since))
	return nil
}

// free is success: what was wanted is so.
func (f *forcing) free() error {
	f.a.say("lock %s is not held: there is nothing to release", quote(f.key))
	return nil
}

// ask wants a yes from a person. A script that nobody can answer for has --yes.
func (f *forcing) ask(ctx context.Context, info *dynalock.LockInfo) error {
	if !isTerminal(f.a.Stdin) {
		return usagef("stdin is no terminal to ask on: give --yes to end the tenure of %s", shown(info.Owner))
	}
	fmt.Fprintf(f.a.Stderr, "%sEnd this tenure? Its holder may still be at work. [y/N] ", lockText(info, false))
	answer := make(chan string, 1)
	go func() { // a read of a terminal does not end with the context
		line, _ := bufio.NewReader(f.a.Stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return nothing("nothing was changed")
	case <-ctx.Done():
		fmt.Fprintln(f.a.Stderr)
		return context.Cause(ctx)
	}
}
