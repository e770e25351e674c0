package cli

import (
	"bufio"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

const lsLong = `Ls lists locks, in no order, one a line, as they are read: any number of them
takes the same memory. Released ones are left out unless --all is given.

On DynamoDB it scans the whole table, whatever the prefix: half a read unit for
each 4 KB in it.`

func (a *app) lsCommand() *cobra.Command {
	var q listFlags
	c := &cobra.Command{
		Use: "ls [flags] [PREFIX]", Aliases: []string{"list"}, Short: "List locks", Long: lsLong,
		Example: "  dynalock ls\n  dynalock ls jobs/ --held-by worker-7\n" +
			"  dynalock ls --json | jq -r 'select(.state==\"lapsed\").key'",
		Args: cobra.MaximumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.with(c.Context(), func(o *opened) error {
			out := bufio.NewWriter(a.Stdout)
			quiet := *a
			quiet.Stdout = out
			return quiet.list(c, o, q.options(args), out)
		})
	}
	q.register(c)
	return c
}

// listFlags say which locks ls and watch show.
type listFlags struct {
	all    bool
	heldBy string
}

func (q *listFlags) register(c *cobra.Command) {
	c.Flags().BoolVarP(&q.all, "all", "a", false, "released ones too")
	c.Flags().StringVar(&q.heldBy, "held-by", "", "only those of exactly that owner name")
}

func (q *listFlags) options(args []string) []dynalock.ListOption {
	var opts []dynalock.ListOption
	if len(args) > 0 && args[0] != "" {
		opts = append(opts, dynalock.WithKeyPrefix(args[0]))
	}
	if q.all {
		opts = append(opts, dynalock.WithReleased())
	}
	if q.heldBy != "" {
		opts = append(opts, dynalock.WithOwner(q.heldBy))
	}
	return opts
}

func (a *app) list(c *cobra.Command, o *opened, opts []dynalock.ListOption, out *bufio.Writer) error {
	n := 0
	for info, err := range o.Locks(c.Context(), opts...) {
		if err != nil {
			_ = out.Flush() // what was read before is right
			return err
		}
		if n++; n == 1 && !a.flags.json {
			if err := a.printf("%s\n", row("STATE", "TOKEN", "LEFT", "OWNER", "KEY")); err != nil {
				return err
			}
		}
		if err := a.printRow(&info); err != nil {
			return err
		}
	}
	if n == 0 && !a.flags.json {
		a.say("no locks%s", a.inStore())
	}
	if err := out.Flush(); err != nil {
		return &codeError{code: exitStore, text: "stdout: " + err.Error(), err: err}
	}
	return nil
}

func (a *app) printRow(info *dynalock.LockInfo) error {
	if a.flags.json {
		return a.printJSON(newLockJSON(info, false))
	}
	return a.printf("%s\n", lockRow(info))
}

func lockRow(info *dynalock.LockInfo) string {
	state := string(info.State)
	if info.DataErr != nil && state == "" {
		state = "unreadable"
	}
	return row(state, strconv.FormatUint(info.Token, 10), leftText(info), shown(info.Owner), shown(info.Key))
}

// row has columns of a fixed width, so that nothing has to be kept until the
// widest is known; the key, which may be of any length, comes last.
func row(state, token, left, owner, key string) string {
	return pad(state, 11) + " " + pad(token, 16) + " " + pad(left, 9) + " " + pad(owner, 32) + " " + key
}

func pad(s string, width int) string {
	for n := len([]rune(s)); n < width; n++ {
		s += " "
	}
	return s
}
