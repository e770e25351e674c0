//go:build linux

package main

import (
	"strings"
	"testing"
)

// Of two invocations at the same time one works and the other is told who does.
func TestHeld(t *testing.T) {
	w := newWorld(t, 60)
	one, other := w.environment(), w.environment()
	slow := w.holdsPrice("pear")
	works := one.begin(fruit("2026-11-28", 100))
	slow.wait(t)
	sent := len(w.sent())
	a := other.invoke(fruit("2026-11-29", 120))
	if n := len(w.sent()) - sent; n != 1 {
		t.Errorf("an invocation that finds the lock held took %d requests: %v", n, w.sent()[sent:])
	}
	if a.ErrorType != "HeldError" || !strings.Contains(a.ErrorMessage, `is held by "list 2026-11-28"`) {
		t.Errorf("the second invocation answers %s", a.text)
	}
	slow.letGo()
	if a := <-works; a.Next != 4 {
		t.Errorf("the first invocation answers %s", a.text)
	}
	if a := other.invoke(fruit("2026-11-29", 120)); a.Next != 4 {
		t.Errorf("the retry of the second answers %s", a.text)
	}
	if a := one.invoke(fruit("2026-11-28", 100)); !a.Outdated || !strings.HasPrefix(w.price("fig"), "120 by ") {
		t.Errorf("a list that comes late answers %s, and a fig costs %s", a.text, w.price("fig"))
	}
}

// An event that is delivered twice: the second supersedes the first, and goes on
// where that one was.
func TestDuplicate(t *testing.T) {
	w := newWorld(t, 60)
	one, other := w.environment(), w.environment()
	list := fruit("2026-11-28", 100)
	slow := w.holdsPrice("pear")
	works := one.begin(list)
	slow.wait(t)
	again := other.invoke(list)
	if again.First != 2 || again.Next != 4 {
		t.Errorf("the second delivery answers %s", again.text)
	}
	if said := slow.letGo(); !strings.Contains(said, "ConditionalCheckFailed") {
		t.Errorf("the write of the first delivery was not refused: %s", said)
	}
	if a := <-works; !strings.Contains(a.ErrorMessage, errFenced.Error()) {
		t.Errorf("the first delivery answers %s", a.text)
	}
	if a := one.invoke(list); a.First != 4 || a.Next != 4 {
		t.Errorf("a third, when all is done, answers %s", a.text)
	}
}
