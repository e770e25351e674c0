//go:build linux

package main

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kmdeveloping/dynalock"
)

var forwardedSignals = []syscall.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}

// TestSignalReachesCommand is E2: the command gets the signal, once, may take
// its time, and the lock is kept until it has ended.
func TestSignalReachesCommand(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		for _, sig := range forwardedSignals {
			name := unix.SignalName(sig)
			t.Run(p.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "log")
				pr := p.begin(t, "dynalock", "run", name, "--", "testchild", "trap", file, "500ms", "5")
				eventually(t, "the child is ready", 10*time.Second, func() bool { return has(file, "ready") })
				pr.signal(sig)
				eventually(t, "the child has the signal", 5*time.Second, func() bool { return has(file, name) })
				info, err := p.client.GetLock(t.Context(), name)
				if err != nil || info.State == dynalock.StateReleased {
					t.Fatalf("while the child ends: %v, %v", info, err)
				}
				pr.wants(5, 5*time.Second)
				if got := lines(file); len(got) != 3 || got[2] != "end" {
					t.Fatalf("the child saw %q", got)
				}
				p.free(t, name)
			})
		}
	}
}

// TestSignalWhileWaiting is E2 too: no command, no trace, at once.
func TestSignalWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		for _, sig := range forwardedSignals {
			t.Run(p.name+"/"+unix.SignalName(sig), func(t *testing.T) {
				t.Parallel()
				key := unix.SignalName(sig)
				held, err := p.client.AcquireLock(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				pr := p.begin(t, "dynalock", "run", "--wait", key, "--", "testchild", "exit", "0")
				eventually(t, "it waits", 10*time.Second, func() bool { return len(pr.stderr.String()) > 0 })
				began := time.Now()
				pr.signal(sig)
				pr.wants(128+int(sig), 5*time.Second)
				if took := time.Since(began); took > slack(100*time.Millisecond) {
					t.Errorf("it took %v to end", took)
				}
				if err := held.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				p.free(t, key)
			})
		}
	}
}

// slack is a limit of time, wider where the race detector and the tests beside
// it take the processor.
func slack(d time.Duration) time.Duration { return 10 * d }

// TestSecondInterrupt ends a command that does not want to: TERM and KILL after
// the grace; a third does it at once.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	for _, tc := range []struct {
		name, grace string
		interrupts  int
	}{{"second", "300ms", 2}, {"third", "9s", 3}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "log")
			pr := p.begin(t, "dynalock", "run", "--grace", tc.grace, tc.name, "--", "testchild", "trap", file, "1h", "5")
			eventually(t, "the child is ready", 10*time.Second, func() bool { return has(file, "ready") })
			for n := range tc.interrupts {
				pr.signal(syscall.SIGINT)
				if n+1 < 3 {
					eventually(t, "the child has it", 5*time.Second, func() bool { return len(lines(file)) > n+1 })
				}
			}
			pr.wants(137, 5*time.Second)
			p.free(t, tc.name)
		})
	}
}

// TestIgnoredSignal: what nohup made ignored stays so, for both.
func TestIgnoredSignal(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	file := filepath.Join(t.TempDir(), "log")
	pr := p.begin(t, "sh", "-c", `trap '' HUP; exec dynalock run k -- sh -c 'echo ready >> "$0"; kill -HUP $$; sleep 0.3; exit 4' `+file)
	eventually(t, "the child is ready", 10*time.Second, func() bool { return has(file, "ready") })
	pr.signal(syscall.SIGHUP)
	pr.wants(4, 5*time.Second)
}
