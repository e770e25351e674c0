package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// maxMargin is how long before the end of the lease a lost command is dead at
// the latest: for a KILL that takes its time.
const maxMargin = time.Second

// margin is less for a lease that leaves no second: renewals come after a third
// of it, and half of it may be grace.
func margin(lease time.Duration) time.Duration { return min(maxMargin, lease/8) }

// options judges the lease and the grace before anything is done.
func (r *runner) options() ([]dynalock.AcquireOption, error) {
	l := &r.lock
	if !l.changedFunc("lease") {
		l.lease = dynalock.DefaultLiveLease
	}
	if l.lease < dynalock.MinLease || l.lease > dynalock.MaxLease {
		return nil, usagef("--lease %s is not between %s and %s", short(l.lease), short(dynalock.MinLease), short(dynalock.MaxLease))
	}
	if !l.changedFunc("grace") {
		r.grace = min(5*time.Second, l.lease/4)
	}
	if r.grace < 0 || r.grace > l.lease/2 {
		return nil, usagef("--grace %s is more than half the lease of %s: the lease is what the command has to end in, and half of it may be over when a renewal fails. Give a longer --lease or a shorter --grace", short(r.grace), short(l.lease))
	}
	opts, err := l.options(nil)
	if err != nil {
		return nil, err
	}
	opts = append(opts, dynalock.KeepAlive(), dynalock.WithLease(l.lease))
	if l.changedFunc("hold-at-most") {
		if soonest := r.grace + margin(l.lease); l.atMost <= soonest {
			return nil, usagef("--hold-at-most %s leaves the command no time: TERM is sent %s before that (see --grace)", short(l.atMost), short(soonest))
		}
		opts = append(opts, dynalock.HoldAtMost(l.atMost))
	}
	return opts, nil
}

// find looks the command up before the lock is taken.
func (r *runner) find() (string, error) {
	name := r.command[0]
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) {
		err = nil // the user's PATH says so, as for every other program
	}
	if err != nil {
		r.report.Outcome = "not-started"
		if errors.Is(err, exec.ErrNotFound) && onPath(name) {
			err = fs.ErrPermission
		}
		return "", notStarted(name, err)
	}
	return path, nil
}

// onPath reports whether the name is on PATH though nothing there can be
// executed, which shells tell apart.
func onPath(name string) bool {
	if strings.ContainsRune(name, filepath.Separator) {
		return false
	}
	return slices.ContainsFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && !info.IsDir()
	})
}

func notStarted(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return &codeError{code: exitNotFound, text: fmt.Sprintf("command %q was not found", name), err: err}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	var look *exec.Error
	if errors.As(err, &look) {
		err = look.Err
	}
	return &codeError{code: exitNotExec, text: fmt.Sprintf("command %q cannot be executed: %v", name, err), err: err}
}

// environ is the command's environment: this one's, without the facts about
// another lock that a dynalock around this one may have put there.
func (r *runner) environ(lock *dynalock.Lock) []string {
	env := slices.DeleteFunc(slices.Clone(r.a.Environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "DYNALOCK_KEY" || name == "DYNALOCK_OWNER" || name == "DYNALOCK_TOKEN" || name == "DYNALOCK_HANDLE"
	})
	env = append(env,
		"DYNALOCK_KEY="+lock.Key(),
		"DYNALOCK_OWNER="+lock.Owner(),
		"DYNALOCK_TOKEN="+strconv.FormatUint(lock.Token(), 10))
	if r.passHandle {
		env = append(env, "DYNALOCK_HANDLE="+lock.Handle())
	}
	return env
}

// openReport opens the report's file at once: that it cannot be written should
// show before the command has run. What it gives writes the report.
func (r *runner) openReport() (func(reportJSON) error, error) {
	var file *os.File
	if r.reportFile != "" {
		var err error
		if file, err = os.Create(r.reportFile); err != nil {
			return nil, usagef("--report: %w", err)
		}
	}
	return func(report reportJSON) error {
		line, err := json.Marshal(report)
		if err != nil {
			return err
		}
		line = append(escaped(line), '\n')
		if r.a.flags.json {
			_, err = r.a.Stderr.Write(line)
		}
		if file != nil {
			_, e := file.Write(line)
			err = errors.Join(err, e, file.Close())
		}
		return err
	}, nil
}
