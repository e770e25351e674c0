package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock/cmd/dynalock/internal/cli/run"
)

// An Env is everything that a command may touch beside its arguments.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string

	// open gives the store; tests put another one in.
	open opener
}

// System is the environment of this process.
func System() Env {
	return Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), open: openStore}
}

// lookup gives a variable; an empty one counts as not set.
func (e Env) lookup(name string) string {
	value := ""
	for _, entry := range e.Environ { // the last of several counts, as in exec
		if k, v, ok := strings.Cut(entry, "="); ok && k == name {
			value = v
		}
	}
	return value
}

// An app is one run of the command: its environment and its global flags.
type app struct {
	Env
	flags   globalFlags
	signals *run.Signals
}

// Main runs the command with those arguments and gives its exit code.
func Main(args []string, env Env) int {
	if env.open == nil {
		env.open = openStore
	}
	signals, ctx := run.Listen(context.Background())
	defer signals.Stop()
	a := &app{Env: env, signals: signals}
	root := a.root()
	if args == nil {
		args = []string{} // nil would make cobra read os.Args
	}
	root.SetArgs(args)
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code, text := a.explain(ctx, ran, err)
	if text != "" {
		fmt.Fprintln(env.Stderr, plain("dynalock: "+text))
	}
	return code
}

const rootLong = `Dynalock runs a command while it holds a lock, so that one machine, or one
process, at a time does a thing. Locks are kept in a file on this machine or,
with --store dynamodb:TABLE, in a DynamoDB table for all machines.

  dynalock run nightly -- ./report.sh                          on this machine
  dynalock run --store dynamodb:locks nightly -- ./report.sh   across machines

For locks that outlive a command, such as those of a CI pipeline or a runbook,
there are acquire, renew, update and release. Messages go to stderr, results to
stdout.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "dynalock",
		Short:             "Distributed locks from the command line",
		Long:              rootLong,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,

		SuggestionsMinimumDistance: 2,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q%s", args[0], didYouMean(c, args[0]))
			}
			c.SetOut(a.Stdout)
			return c.Help()
		},
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().SortFlags = false
	a.flags.register(root.PersistentFlags())
	root.AddCommand(
		a.runCommand(),
		a.acquireCommand(), a.releaseCommand(), a.renewCommand(), a.updateCommand(),
		a.getCommand(), a.lsCommand(), a.watchCommand(), a.forceReleaseCommand(),
		a.tableCommand(), a.versionCommand(),
	)
	root.AddCommand(topics()...)
	return root
}

func didYouMean(c *cobra.Command, arg string) string {
	if near := c.SuggestionsFor(arg); len(near) > 0 {
		return fmt.Sprintf("; did you mean %q?", near[0])
	}
	return ""
}

// say tells the user something that is not the result.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.Stderr, plain(fmt.Sprintf("dynalock: "+format, args...)))
}
