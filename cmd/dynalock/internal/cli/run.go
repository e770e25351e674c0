package cli

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/cmd/dynalock/internal/cli/run"
)

const runLong = `Run takes the lock, runs the command without a shell, releases the lock, and
exits with the command's code. The lock is renewed while the command runs; if
this process or the machine dies, it is free within the lease.

The command gets a process group of its own. Signals (INT, TERM, HUP, QUIT,
USR1, USR2) are handed to it, and the lock is kept until it has ended. A second
INT ends it: TERM to the whole group, KILL after the grace; a third kills it at
once. In a terminal Ctrl-C goes to the command alone, and once.

If the lock cannot be renewed, or somebody ends it, the command must not go on:
the group gets TERM, and KILL after --grace, early enough that all of it is dead
before the lease ends and another may start: TERM goes out at the end of what
can be proved, less the grace, less 1 s (less an eighth of the lease, where that
is shorter). The exit code is 76 then, whatever the command's. On Linux and
FreeBSD the command is killed if this process is.

What the command left in the background when it ended by itself runs on without
the lock. The command finds DYNALOCK_KEY, DYNALOCK_OWNER and DYNALOCK_TOKEN in
its environment. The token rises with each tenure: give it to what you write to,
and let that refuse a lower one.

  exit code  meaning
  the command's own, 128 + n if signal n ended it
  64         usage: nothing was started
  69         the store cannot be reached or refuses
  75         another holds the lock (see --held-exit-code); nothing was started
  76         the lock was lost while the command ran
  126, 127   the command cannot be executed, was not found
  128 + n    signal n came before the command was started

A command that exits with one of these itself is told apart by the message on
stderr and by --report.`

const runExample = `  dynalock run nightly -- ./report.sh --all
  dynalock run --wait-for 10m deploy -- make deploy
  dynalock run --held-exit-code 0 hourly -- ./job      for cron: no mail if another machine has it
  dynalock run --store dynamodb:locks nightly -- ./report.sh
  dynalock run -- -odd-key -- ./report.sh`

// A runner is one use of run.
type runner struct {
	a          *app
	lock       lockFlags
	grace      time.Duration
	passHandle bool
	reportFile string

	key     string
	command []string
	report  reportJSON
	began   time.Time
}

func (a *app) runCommand() *cobra.Command {
	r := &runner{a: a}
	c := &cobra.Command{
		Use:     "run [flags] KEY -- COMMAND [ARGUMENT...]",
		Short:   "Run a command while holding a lock",
		Long:    runLong,
		Example: runExample,
		Args:    func(c *cobra.Command, args []string) error { return r.arguments(c.ArgsLenAtDash(), args) },
		RunE:    func(c *cobra.Command, _ []string) error { return r.run(c.Context()) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	r.lock.register(fs)
	durationVar(fs, &r.lock.lease, "lease", "how long others wait if this process dies; 1s or more (default 20s)")
	durationVar(fs, &r.lock.atMost, "hold-at-most", "end the command if it holds the lock that long")
	durationVar(fs, &r.grace, "grace", "time between TERM and KILL when the lock is lost, at most half the lease (default 5s, or a quarter of the lease if that is less)")
	fs.BoolVar(&r.passHandle, "pass-handle", false, "give the command DYNALOCK_HANDLE, with which it can update or release the lock: a secret")
	fs.StringVar(&r.reportFile, "report", "", "write a report in JSON to that file (--json: to stderr)")
	return c
}

// arguments sorts KEY -- CMD ARGS and -- KEY -- CMD ARGS. dash is how many
// arguments came before the first "--".
func (r *runner) arguments(dash int, args []string) error {
	switch {
	case dash == 0 && len(args) > 1 && args[1] == "--":
		r.key, r.command = args[0], args[2:]
	case dash == 1:
		r.key, r.command = args[0], args[1:]
	case dash < 0 && len(args) > 1:
		return usagef(`the command comes after "--": dynalock run %s -- %s`, quote(args[0]), quote(args[1]))
	case dash > 1:
		return usagef(`%d arguments before "--", and the key is one: quote it if it has spaces`, dash)
	default:
		return usagef("run needs a key and a command: dynalock run KEY -- COMMAND [ARGUMENT...]")
	}
	if len(r.command) == 0 {
		return usagef(`there is no command after "--"`)
	}
	return nil
}

// run does it all, and the report on it.
func (r *runner) run(ctx context.Context) error {
	r.began = time.Now()
	r.report = reportJSON{Version: jsonVersion, Key: r.key, Store: r.a.spec().String(), Started: r.began.UTC()}
	write, err := r.openReport()
	if err != nil {
		return err
	}
	err = r.locked(ctx)
	code, text := exitOK, ""
	if err != nil {
		code, text = r.a.explain(ctx, &cobra.Command{Use: "dynalock run"}, err)
	}
	r.report.ExitCode, r.report.Error = code, text
	if r.report.Outcome == "" {
		r.report.Outcome = outcome(code)
	}
	if e := write(r.report); e != nil {
		r.a.say("the report could not be written: %v", e)
	}
	return err
}

func outcome(code int) string {
	switch {
	case code == exitUsage:
		return "usage"
	case code > exitSignal:
		return "interrupted"
	}
	return "store"
}

// locked takes the lock, runs the command and releases.
func (r *runner) locked(ctx context.Context) error {
	opts, err := r.options()
	if err != nil {
		return err
	}
	path, err := r.find()
	if err != nil {
		return err
	}
	note := r.a.newWaitNote()
	watch := &renewals{}
	return r.a.with(ctx, func(o *opened) error {
		r.report.Owner = r.a.flags.owner
		lock, err := o.AcquireLock(ctx, r.key, opts...)
		note.end()
		r.report.WaitedMS = time.Since(r.began).Milliseconds()
		if err != nil {
			return r.notHad(ctx, err)
		}
		r.report.Token = lock.Token()
		r.freshen(ctx, lock)
		return r.hold(ctx, path, lock, watch)
	}, dynalock.WithObserver(note.observe), dynalock.WithObserver(watch.observe))
}

// freshen renews a lock of which less can be proved than its lease: the first
// request of a process cannot know the store's clock, which DynamoDB tells to
// the second. A short lease could be given up before its first renewal. What
// comes of it shows in what is left.
func (r *runner) freshen(ctx context.Context, lock *dynalock.Lock) {
	needed := r.lock.lease/2 + r.grace + margin(r.lock.lease)
	if needed > r.lock.lease || time.Until(lock.Deadline()) < needed {
		_ = lock.Renew(ctx)
	}
}

// notHad gives the error of an acquire the exit code that the user chose.
func (r *runner) notHad(ctx context.Context, err error) error {
	var held *dynalock.HeldError
	if ctx.Err() != nil || !errors.As(err, &held) {
		return err
	}
	r.report.Outcome = "held"
	r.report.Holder = holderJSON{held.Owner, held.Token, moment(held.Since), moment(held.Expires)}
	return &codeError{code: r.lock.heldCode, text: r.a.heldText(held), err: err}
}

// hold runs the command under the lock, and releases it.
func (r *runner) hold(ctx context.Context, path string, lock *dynalock.Lock, watch *renewals) error {
	signals := r.a.signals.Forward()
	if ctx.Err() != nil { // the signal came with the lock
		r.release(lock, releaseLimit)
		return context.Cause(ctx)
	}
	margin := margin(r.lock.lease)
	soon := lock.Expiring(r.grace + margin)
	told := r.tellLoss(lock, soon, watch)
	began := time.Now()
	result, err := run.Supervise(run.Command{
		Path: path, Args: r.command, Env: r.environ(lock),
		Stdin: file(r.a.Stdin), Stdout: file(r.a.Stdout), Stderr: file(r.a.Stderr),
	}, run.Hold{
		Soon: soon, Lost: lock.Done(), Grace: r.grace, Margin: margin,
		Left: func() time.Duration { return time.Until(lock.Deadline()) },
		Over: func() bool { return expired(lock.Err()) },
	}, signals)
	r.report.HeldMS = time.Since(began).Milliseconds()
	why := told()
	if result.Lost && why == nil {
		why = r.loss(lock, watch)
	} else if !result.Lost {
		why = nil // it ended by itself at that very moment
	}
	if err != nil {
		r.report.Outcome = "not-started"
		r.release(lock, releaseLimit)
		return notStarted(r.command[0], err)
	}
	r.report.Child = childJSON{result.PID, result.Code, result.Signal, result.Killed}
	r.report.Outcome = "exited"
	if result.Signal != "" {
		r.report.Outcome = "signaled"
	}
	return r.finish(lock, result, why)
}

// finish releases and gives the exit code.
func (r *runner) finish(lock *dynalock.Lock, result run.Result, why *dynalock.LostError) error {
	limit := releaseLimit
	if result.Lost {
		limit = lostReleaseLimit
	}
	if lost := r.release(lock, limit); lost != nil {
		if why == nil { // what the release found out first
			r.a.say("%s while the command ran", lost)
		}
		why = lost
	}
	if why == nil {
		if result.Code == exitOK {
			return nil
		}
		return &codeError{code: result.Code}
	}
	r.report.Outcome, r.report.Lost, r.report.LostBy = "lost", string(why.Reason), why.By
	return &codeError{code: exitLost}
}

// These bound the release: the command has ended, and whoever waits for this
// one should not wait long for a store that is away. A lock that was given up
// because of that ends by itself.
const (
	releaseLimit     = 10 * time.Second
	lostReleaseLimit = time.Second
)

// release gives the lock back. If it turns out to have been lost before, that
// is the answer.
func (r *runner) release(lock *dynalock.Lock, limit time.Duration) *dynalock.LostError {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := lock.Release(ctx)
	var lost *dynalock.LostError
	switch {
	case err == nil:
		r.report.Released = true
	case errors.As(err, &lost):
		return lost
	default:
		r.a.say("the lock could not be released and is free when its lease of %s ends: %s", short(r.lock.lease), message(err))
	}
	return nil
}

func expired(err error) bool {
	var lost *dynalock.LostError
	return errors.As(err, &lost) && (lost.Reason == dynalock.ReasonExpired || lost.Reason == dynalock.ReasonHeldTooLong)
}

// file gives the stream to the command as it is; one that is no file stands for
// nothing.
func file(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}
