package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

func init() {
	roles["client"] = func(args []string) error {
		s, err := sqlitestore.Open(args[0])
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return errors.Join(work(s, args[1], n), s.Close())
	}
	roles["holder"] = func(args []string) error { // holds a lock until it is killed
		s, err := sqlitestore.Open(args[0])
		if err != nil {
			return err
		}
		lock, err := dynalock.New(s).AcquireLock(context.Background(), "job", dynalock.WithLease(time.Second))
		if err != nil {
			return err
		}
		fmt.Println(lock.Token())
		select {}
	}
}

// work takes the lock n times, and writes into a journal what happens under it.
func work(s lockstore.Store, journal string, n int) (err error) {
	f, err := os.OpenFile(journal, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	ctx := context.Background()
	client := dynalock.New(s, dynalock.WithPollInterval(time.Millisecond, 5*time.Millisecond))
	defer func() { err = errors.Join(err, client.Close(ctx)) }()
	for range n {
		lock, err := client.AcquireLock(ctx, "job", dynalock.Wait(), dynalock.WithLease(time.Minute))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(f, "enter", lock.Token())
		_, also := fmt.Fprintln(f, "leave", lock.Token())
		if err := errors.Join(err, also, lock.Release(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// Two clients in two processes: one at a time, with rising tokens.
func TestClients(t *testing.T) {
	path := newFile(t)
	journal := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(journal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const n = 100
	c := start(t, nil, "client", path, journal, fmt.Sprint(n))
	if err := work(open(t, path), journal, n); err != nil {
		t.Error(err)
	}
	c.end(t)
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 4*n {
		t.Fatalf("%d lines", len(lines))
	}
	last := 0
	for i := 0; i < len(lines); i += 2 {
		token, err := strconv.Atoi(strings.TrimPrefix(lines[i], "enter "))
		if err != nil || lines[i+1] != fmt.Sprint("leave ", token) || token <= last {
			t.Fatalf("after token %d: %q, %q", last, lines[i], lines[i+1])
		}
		last = token
	}
}

// The lock of a process that was killed can be had when its lease is over, not
// a lease later: both read one clock.
func TestClientTakesOver(t *testing.T) {
	path := newFile(t)
	c := start(t, nil, "holder", path)
	token, err := strconv.ParseUint(c.line(t), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	since := time.Now()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	client := dynalock.New(open(t, path), dynalock.WithPollInterval(10*time.Millisecond, 20*time.Millisecond))
	defer func() {
		if err := client.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := client.AcquireLock(t.Context(), "job"); !errors.Is(err, dynalock.ErrHeld) {
		t.Errorf("within its lease: %v", err)
	}
	lock, err := client.AcquireLock(t.Context(), "job", dynalock.WaitFor(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(since)
	t.Logf("after %v of a lease of 1 s", took)
	if lock.Token() <= token || took < 800*time.Millisecond || took > 1900*time.Millisecond {
		t.Errorf("token %d after %d, after %v", lock.Token(), token, took)
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Error(err)
	}
}
