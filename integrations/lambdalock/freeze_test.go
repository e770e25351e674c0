//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// A live lock that a function keeps from one invocation to the next: while the
// environment is thawed it is renewed, while it is frozen it is not, and
// somebody else gets it within its lease. Thawed, the function is told so.
func TestKeepAliveFrozen(t *testing.T) {
	w := newWorld(t, 60)
	w.pkg = "./internal/keepalive"
	e := w.environment()
	ask := func() (s struct {
		Held  bool
		Error string
	}) {
		t.Helper()
		text, err := e.Invoke(t.Context(), "", []byte("{}"))
		must(t, err)
		must(t, json.Unmarshal(text, &s))
		return s
	}
	ask()
	time.Sleep(3 * time.Second) // real time: more than the lease of another process
	if s := ask(); !s.Held {
		t.Fatalf("not renewed while the environment is thawed: %+v", s)
	}
	e.signal(syscall.SIGSTOP)
	frozen, before := time.Now(), len(w.net.requests())
	for {
		_, err := w.locks.AcquireLock(t.Context(), key)
		if err == nil {
			break
		}
		if !errors.Is(err, dynalock.ErrHeld) || time.Since(frozen) > limit {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // real time: the lease of another process
	}
	t.Logf("taken by another %v after the freeze, with a lease of 2 s", time.Since(frozen))
	if n := len(w.net.requests()) - before; n > 1 { // one may have been under way
		t.Errorf("%d requests from a frozen environment", n)
	}
	e.signal(syscall.SIGCONT)
	if s := ask(); s.Held || s.Error == "" {
		t.Errorf("thawed: %+v", s)
	} else {
		t.Log("thawed:", s.Error)
	}
}

// The example itself, frozen between two invocations until its connections are
// gone. Each invocation costs two writes and, for each price, two more.
func TestThawed(t *testing.T) {
	w := newWorld(t, 60)
	e := w.environment()
	for _, name := range []string{"2026-11-28", "2026-11-29"} {
		before := len(w.sent())
		a := e.invoke(fruit(name, 100))
		if a.Next != 4 {
			t.Errorf("%s: %s", name, a.text)
		}
		// (A read more: where a connection was gone, the client looks whether its
		// acquire was carried out twice.)
		if n := len(w.sent()) - before; n != 2+2*4 && n != 2+2*4+1 {
			t.Errorf("%s: %d requests: %v", name, n, w.sent()[before:])
		}
		e.signal(syscall.SIGSTOP)
		w.net.CloseClientConnections()
		time.Sleep(100 * time.Millisecond) // real time: a process is stopped
		e.signal(syscall.SIGCONT)
	}
}
