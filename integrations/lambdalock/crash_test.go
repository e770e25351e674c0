//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// An invocation is killed while its third price is on the way. The retry goes
// on with the third, with a higher token, and what is on the way still is
// refused when it arrives, though by then nobody holds the lock.
func TestCrash(t *testing.T) {
	w := newWorld(t, 60)
	first := w.environment()
	list := fruit("2026-11-28", 100)
	late := w.holdsPrice("pear")
	died := first.begin(list)
	late.wait(t)
	first.signal(syscall.SIGKILL)
	if a := <-died; a.ErrorType == "" {
		t.Errorf("the killed invocation answers %q", a.text)
	}
	before := w.lock()
	if before.Owner != "list 2026-11-28" || string(before.Data) != `{"list":"2026-11-28","next":2}` {
		t.Errorf("the dead invocation left %v with %s", before, before.Data)
	}

	second := w.environment()
	sent := len(w.sent())
	a := second.invoke(list)
	if a.First != 2 || a.Next != 4 || a.Token <= before.Token {
		t.Errorf("the retry answers %s, after token %d", a.text, before.Token)
	}
	// The refused acquire, and the read and the write that resume; two for each
	// of two prices; the release.
	if n := len(w.sent()) - sent; n != 3+2*2+1 {
		t.Errorf("the retry took %d requests: %v", n, w.sent()[sent:])
	}
	b := second.invoke(fruit("2026-11-29", 120))
	if b.First != 0 || b.Next != 4 || b.Token <= a.Token {
		t.Errorf("the next list: %s, after token %d", b.text, a.Token)
	}
	if said := late.letGo(); !strings.Contains(said, "ConditionalCheckFailed") {
		t.Errorf("the dead invocation's write was not refused: %s", said)
	}
	if want := fmt.Sprint("120 by ", b.Token); w.price("pear") != want {
		t.Errorf("pear: %s, want %s", w.price("pear"), want)
	}

	// That day the function needed all that its policy allows.
	for _, g := range readSAM(t).grants {
		for _, action := range g.actions {
			if !slices.ContainsFunc(w.sent(), func(r request) bool { return r.table == g.table && "dynamodb:"+r.action == action }) {
				t.Errorf("the templates' policy allows %s on %s, which nothing needs", action, g.table)
			}
		}
	}
}
