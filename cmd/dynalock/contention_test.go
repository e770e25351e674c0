//go:build linux

package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// contentionRounds is fewer than the 1,000 of E5, to be quick in every run.
// For those: DYNALOCK_TEST_ROUNDS=1000 go test -run TestContention -timeout 1h.
var contentionRounds = cmp.Or(os.Getenv("DYNALOCK_TEST_ROUNDS"), "12")

// TestContention is E5: two shells that want one lock all the time both get it,
// every time.
func TestContention(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			var shells [2]*process
			for i := range shells {
				shells[i] = p.begin(t, "sh", "-c", fmt.Sprintf(
					`n=0; while [ $n -lt %s ]; do dynalock run --wait-for 60s k -- sleep 0.01 || exit; n=$((n+1)); done`, contentionRounds))
			}
			for _, s := range shells {
				s.wants(0, 50*time.Minute)
			}
			p.free(t, "k")
		})
	}
}

// TestWaitLimit is E5: the limit is counted from the start, and kept.
func TestWaitLimit(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if _, err := p.client.AcquireLock(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			pr := p.begin(t, "dynalock", "run", "--wait-for", "2s", "k", "--", "testchild", "exit", "0")
			pr.wants(75, 20*time.Second)
			if took := time.Since(began); took < 2*time.Second || took > 2*time.Second+slack(300*time.Millisecond) {
				t.Errorf("it waited %v", took)
			}
			if n := strings.Count(pr.stderr.String(), "waiting for lock"); n != 1 {
				t.Errorf("it said %d times that it waits: %s", n, pr.stderr)
			}
		})
	}
}

// TestManyTries is C5: of many tries at once one succeeds, and the others say
// at once who has it.
func TestManyTries(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			var tries [50]*process
			for i := range tries {
				tries[i] = p.begin(t, "dynalock", "run", "--hold-at-least", "1m", "k", "--", "testchild", "exit", "0")
			}
			won := 0
			for _, pr := range tries {
				code := pr.code(30 * time.Second)
				if code == 0 {
					won++
				} else if code != 75 || !strings.Contains(pr.stderr.String(), "is held by") {
					t.Errorf("code %d, stderr: %s", code, pr.stderr)
				}
			}
			if won != 1 {
				t.Errorf("%d of %d tries succeeded", won, len(tries))
			}
		})
	}
}

// TestStoreFailures: each kind says what it is and, where there is something to
// do, what; the command is not started.
func TestStoreFailures(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	hole := newProxy(t, strings.TrimPrefix(enginetest.Endpoint(t), "http://"))
	hole.cut.Store(true)
	db := enginetest.Client(t)
	other := enginetest.Table(t, db, enginetest.Keys{Partition: "id"})
	for name, tc := range map[string]struct {
		endpoint, store string
		code            int
		says            string
	}{
		"no table":      {enginetest.Endpoint(t), "dynamodb:missing", 69, "dynalock table create"},
		"other keys":    {enginetest.Endpoint(t), "dynamodb:" + other, 69, "dynalock table check"},
		"nobody there":  {nobody, "dynamodb:locks", 69, "unavailable"},
		"no answer":     {hole.url(), "dynamodb:locks", 69, "unavailable"},
		"no folder":     {"", "sqlite:/dev/null/locks.db", 69, "/dev/null"},
		"no such store": {"", "etcd:x", 64, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place{env: append(awsEnv(tc.endpoint), "DYNALOCK_STORE="+tc.store)}
			pr := p.begin(t, "dynalock", "run", "k", "--", "testchild", "args", "started")
			pr.wants(tc.code, time.Minute)
			if !strings.Contains(pr.stderr.String(), tc.says) || pr.stdout.String() != "" {
				t.Errorf("stderr: %s, stdout: %s", pr.stderr, pr.stdout)
			}
		})
	}
}
