//go:build linux

package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// TestForcedWhileRunning is C10 and E1: the command is ended, and the exit code
// says that the lock was lost though the command itself ended well.
func TestForcedWhileRunning(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "log")
			report := filepath.Join(t.TempDir(), "report")
			pr := p.begin(t, "dynalock", "run", "--lease", "3s", "--report", report, "k", "--", "testchild", "trap", file, "0s", "0")
			eventually(t, "the child is ready", 10*time.Second, func() bool { return has(file, "ready") })
			info, err := p.client.GetLock(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.client.ForceRelease(t.Context(), "k", info.Token); err != nil {
				t.Fatal(err)
			}
			pr.wants(76, 10*time.Second)
			if !has(file, "SIGTERM") || !strings.Contains(pr.stderr.String(), "was lost: forced by") {
				t.Errorf("child: %q, stderr: %s", lines(file), pr.stderr)
			}
			if got := strings.Join(lines(report), ""); !strings.Contains(got, `"outcome":"lost","exit_code":76,`) ||
				!strings.Contains(got, `"lost":"forced"`) || !strings.Contains(got, `"child":{`) {
				t.Errorf("report: %s", got)
			}
			p.free(t, "k")
		})
	}
}

// TestLossFoundAtTheEnd: a command that ends before its lock's loss is known
// did not run alone.
func TestLossFoundAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			pr := p.begin(t, "dynalock", "run", "--lease", "2m", "k", "--", "sh", "-c",
				`dynalock force-release --yes --token "$DYNALOCK_TOKEN" "$DYNALOCK_KEY" && dynalock acquire --owner thief "$DYNALOCK_KEY"`)
			pr.wants(76, 10*time.Second)
			info, err := p.client.GetLock(t.Context(), "k")
			if err != nil || info.Owner != "thief" {
				t.Errorf("after that: %v, %v", info, err)
			}
		})
	}
}

// TestHoldAtMost ends the command within its time, its children too, TERM or
// not.
func TestHoldAtMost(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		for _, what := range []string{"tick", "family"} {
			t.Run(p.name+"/"+what, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "log")
				began := time.Now()
				pr := p.begin(t, "dynalock", "run", "--lease", "4s", "--grace", "500ms", "--hold-at-most", "2500ms", what,
					"--", "testchild", what, file, "0")
				pr.wants(76, 20*time.Second)
				if !strings.Contains(pr.stderr.String(), "held too long") {
					t.Errorf("stderr: %s", pr.stderr)
				}
				if last := ticks(t, file); last[len(last)-1].Sub(began) > 2500*time.Millisecond+slack(100*time.Millisecond) {
					t.Errorf("the last tick came after %v", last[len(last)-1].Sub(began))
				}
				n := len(lines(file))
				time.Sleep(100 * time.Millisecond) // real time: to see that nothing ticks on
				if got := len(lines(file)); got != n {
					t.Errorf("it ticks on after the end")
				}
				p.free(t, what)
			})
		}
	}
}

// ticks are the times that a child wrote.
func ticks(t *testing.T, file string) []time.Time {
	t.Helper()
	var times []time.Time
	for _, line := range lines(file) {
		n, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			t.Fatalf("%s: %q", file, line)
		}
		times = append(times, time.Unix(0, n))
	}
	if len(times) == 0 {
		t.Fatalf("no tick in %s", file)
	}
	return times
}

// TestKilledWrapper: the command dies with it, and the lock is free within the
// lease.
func TestKilledWrapper(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "log")
			pr := p.begin(t, "dynalock", "run", "--lease", "3s", "k", "--", "testchild", "tick", file, "0")
			eventually(t, "the child ticks", 10*time.Second, func() bool { return len(lines(file)) > 0 })
			pr.signal(syscall.SIGKILL)
			pr.code(5 * time.Second)
			killed := time.Now()
			l, err := p.client.AcquireLock(t.Context(), "k", dynalock.WaitFor(20*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Release(t.Context())
			if took := time.Since(killed); took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
			if last := ticks(t, file); last[len(last)-1].After(killed.Add(slack(50 * time.Millisecond))) {
				t.Errorf("the child lived for %v after it", last[len(last)-1].Sub(killed))
			}
		})
	}
}
