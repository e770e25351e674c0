package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

const getLong = `Get shows who holds a lock, since when, how much of the lease is left, and the
token. It changes nothing. The state is held, released, lapsed (the lease ended
and nobody has taken the lock since) or unknown yet (the lease runs, or ended too
recently to tell). The exit code is 1 if there is nothing under the key.`

func (a *app) getCommand() *cobra.Command {
	var showData, onlyData bool
	c := &cobra.Command{
		Use: "get [flags] KEY", Short: "Show one lock", Long: getLong, Args: oneKey,
		Example: "  dynalock get nightly\n" +
			"  dynalock get nightly --json | jq -r .owner\n" +
			"  dynalock get nightly --raw-data > state.bin",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.with(c.Context(), func(o *opened) error {
			info, err := o.GetLock(c.Context(), args[0])
			if errors.Is(err, dynalock.ErrNotFound) {
				return nothing("there is no lock %s%s", quote(args[0]), a.inStore())
			}
			if err != nil {
				return err
			}
			return a.printLock(info, showData, onlyData)
		})
	}
	c.Flags().BoolVar(&showData, "show-data", false, "show the data stored with the lock too")
	c.Flags().BoolVar(&onlyData, "raw-data", false, "print the data, as it is, and nothing else")
	return c
}

// inStore names the store where the default may not be the one that was meant.
func (a *app) inStore() string { return " in " + a.spec().String() }

func (a *app) printLock(info *dynalock.LockInfo, showData, onlyData bool) error {
	if info.DataErr != nil && (showData || onlyData) {
		return fmt.Errorf("the data of %s: %w", quote(info.Key), info.DataErr)
	}
	switch {
	case onlyData:
		return a.printf("%s", info.Data)
	case a.flags.json:
		return a.printJSON(newLockJSON(info, showData))
	}
	return a.printf("%s", lockText(info, showData))
}

func lockText(info *dynalock.LockInfo, showData bool) string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%-8s %s\n", name+":", value) }
	line("key", shown(info.Key))
	line("state", string(info.State))
	line("owner", shown(info.Owner))
	line("token", strconv.FormatUint(info.Token, 10))
	if !info.Since.IsZero() {
		line("since", stamp(info.Since))
	}
	if info.State != dynalock.StateReleased {
		text := leftText(info)
		if info.Lease > 0 {
			text += " of " + short(info.Lease)
		}
		if !info.Expires.IsZero() {
			text += ", until " + stamp(info.Expires)
		}
		line("left", text)
	}
	if info.Waiters > 0 {
		line("waiters", strconv.Itoa(info.Waiters))
	}
	if showData {
		line("data", dataText(info.Data))
	}
	return b.String()
}

// dataText is data on one line, quoted where it could be mistaken for
// something else.
func dataText(data []byte) string {
	switch {
	case data == nil:
		return "none"
	case printable(string(data)):
		return string(data)
	}
	return strconv.Quote(string(data))
}
