//go:build linux

package main

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// A function whose time is nearly over stops by itself, and releases.
func TestNoTime(t *testing.T) {
	w := newWorld(t, 2)
	one, other := w.environment(), w.environment()
	slow := w.holdsPrice("pear")
	works := one.begin(fruit("2026-11-28", 100))
	slow.wait(t)
	if a := <-works; !strings.Contains(a.ErrorMessage, errNoTime.Error()) {
		t.Errorf("the invocation answers %s", a.text)
	}
	began := time.Now()
	if a := other.invoke(fruit("2026-11-29", 120)); a.Next != 4 {
		t.Errorf("the next invocation answers %s after %v", a.text, time.Since(began))
	}
	slow.letGo()
}

// One that hangs is killed at its deadline. Its lease ends by itself, grace
// later, and another list gets the lock as soon as it can be sure of that.
func TestTimeout(t *testing.T) {
	w := newWorld(t, 2)
	one, other := w.environment(), w.environment()
	slow := w.holdsPrice("pear")
	works := one.begin(fruit("2026-11-28", 100))
	slow.wait(t)
	one.signal(syscall.SIGSTOP)
	if a := <-works; !strings.Contains(a.text, "timed out") {
		t.Errorf("the invocation that hangs answers %s", a.text)
	}
	killed := time.Now()
	refused := 0
	// real time: leases of another process, by the engine's clock.
	for {
		a := other.invoke(fruit("2026-11-29", 120))
		if a.Next == 4 {
			break
		}
		if refused++; a.ErrorType != "HeldError" || time.Since(killed) > limit {
			t.Fatalf("after %v: %s", time.Since(killed), a.text)
		}
		time.Sleep(100 * time.Millisecond) // real time: see above
	}
	// Two seconds of grace, and what the two do not know of the store's clock.
	took := time.Since(killed)
	t.Logf("taken over %v after the timeout, refused %d times", took, refused)
	if took < time.Second || took > 12*time.Second {
		t.Errorf("another list got the lock %v after the timeout", took)
	}
	if said := slow.letGo(); !strings.Contains(said, "ConditionalCheckFailed") {
		t.Errorf("the late write was not refused: %s", said)
	}
}
