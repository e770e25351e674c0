package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

const watchLong = `Watch shows locks as they change, until it is interrupted. In a terminal it is a
table in which the rows that changed last are marked; elsewhere, and with --json,
a line for each change: first what is there, then held, released, lapsed, changed
or gone.

It reads all locks once an interval. On DynamoDB that scans the whole table each
time: half a read unit for each 4 KB in it.`

// minInterval keeps a slip of the finger from becoming a bill.
const minInterval = 100 * time.Millisecond

func (a *app) watchCommand() *cobra.Command {
	var q listFlags
	interval := 2 * time.Second
	c := &cobra.Command{
		Use: "watch [flags] [PREFIX]", Short: "Show locks as they change", Long: watchLong,
		Example: "  dynalock watch\n  dynalock watch jobs/ --interval 10s --json >> locks.log",
		Args:    cobra.MaximumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if interval < minInterval {
			return usagef("--interval %s is less than %s", short(interval), short(minInterval))
		}
		// Released ones are read in any case, to tell them from removed ones.
		all := listFlags{all: true, heldBy: q.heldBy}
		return a.with(c.Context(), func(o *opened) error {
			w := &watcher{a: a, all: q.all, seen: map[string]dynalock.LockInfo{}}
			if !a.flags.json && isTerminal(a.Stdout) {
				w.table = newTable(a.Stdout)
			}
			return w.watch(c.Context(), o, all.options(args), interval)
		})
	}
	q.register(c)
	durationVar(c.Flags(), &interval, "interval", "time between two looks")
	return c
}

// A watcher compares what it sees with what it saw.
type watcher struct {
	a     *app
	all   bool
	seen  map[string]dynalock.LockInfo
	table *table // nil: lines
	rounds,
	fails int
}

// A change is a lock of which something is new.
type change struct {
	what string
	info dynalock.LockInfo
}

func (w *watcher) watch(ctx context.Context, o *opened, opts []dynalock.ListOption, interval time.Duration) error {
	if w.table != nil {
		defer w.table.close()
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		changes, err := w.look(ctx, o, opts)
		switch {
		case ctx.Err() != nil:
			return nil // that is how a watch ends
		case err != nil && w.rounds == 0:
			return err
		}
		if err := w.show(changes, err); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look reads all locks and gives what changed, by key.
func (w *watcher) look(ctx context.Context, o *opened, opts []dynalock.ListOption) ([]change, error) {
	now := map[string]dynalock.LockInfo{}
	for info, err := range o.Locks(ctx, opts...) {
		if err != nil {
			return nil, err
		}
		info.Data = nil // may be large, and is not shown
		now[info.Key] = info
	}
	var changes []change
	for key, info := range now {
		if what := w.compare(key, &info); what != "" {
			changes = append(changes, change{what, info})
		}
	}
	for key, info := range w.seen {
		if _, ok := now[key]; !ok {
			changes = append(changes, change{"gone", info})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.info.Key, b.info.Key) })
	w.seen = now
	w.rounds++
	return changes, nil
}

// compare names what is new about a lock; "": nothing that is worth a line. A
// renewal is not.
func (w *watcher) compare(key string, now *dynalock.LockInfo) string {
	was, ok := w.seen[key]
	switch {
	case !ok && now.State == dynalock.StateReleased && w.rounds == 0 && !w.all:
		return "" // released long ago
	case !ok || now.Token != was.Token && now.State != dynalock.StateReleased:
		return event(now)
	case sure(now.State) != sure(was.State):
		return event(now)
	case now.Owner != was.Owner || now.Token != was.Token:
		return "changed"
	}
	return ""
}

// sure takes a lease that may have ended just now for one that runs.
func sure(s dynalock.State) dynalock.State {
	if s == dynalock.StateUnknown {
		return dynalock.StateHeld
	}
	return s
}

func event(info *dynalock.LockInfo) string {
	if info.State == "" {
		return "unreadable"
	}
	return string(sure(info.State))
}

// show prints the changes. A store that does not answer is told once, and again
// when it does.
func (w *watcher) show(changes []change, failure error) error {
	if w.table != nil {
		return w.table.draw(w, changes, failure)
	}
	switch {
	case failure != nil:
		if w.fails++; w.fails == 1 {
			w.a.say("trying again after: %s", message(failure))
		}
		return nil
	case w.fails > 0:
		w.a.say("the store answers again")
		w.fails = 0
	}
	now := time.Now().UTC()
	for _, c := range changes {
		if w.a.flags.json {
			j := newLockJSON(&c.info, false)
			j.Event, j.Time = c.what, &now
			if err := w.a.printJSON(j); err != nil {
				return err
			}
			continue
		}
		if err := w.a.printf("%s %s %s\n", stamp(now), pad(c.what, 8), lockRow(&c.info)); err != nil {
			return err
		}
	}
	return nil
}
