package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Stores that are broken.
const (
	brokenSteals = "steals" // an acquire succeeds though the lock is held
	brokenEarly  = "early"  // one process is told a time that is ahead, and takes over too early
)

const early = 20 * time.Second

// A thief forgets to ask whether a lock is free.
type thief struct{ lockstore.Store }

func (t *thief) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	w.If = slices.Clone(w.If)
	for i, c := range w.If {
		w.If[i] = slices.DeleteFunc(slices.Clone(c), func(test lockstore.Test) bool {
			_, released := test.(lockstore.Released)
			return released
		})
	}
	return t.Store.Write(ctx, key, w)
}

// What is broken must be found, drawn and kept, with the command that runs it
// again. Otherwise rounds that find nothing would prove nothing.
func TestBrokenIsFound(t *testing.T) {
	t.Parallel()
	var running sync.WaitGroup
	for how, wants := range map[string][]string{
		brokenSteals: {foundOverlaps, foundPorcupine, foundPromises},
		brokenEarly:  {foundPromises, foundPorcupine},
	} {
		s := setting{round: 3 * time.Second, kinds: []string{kindHistories}, stores: []string{storeSQLite}, broken: how, dir: t.TempDir()}
		running.Go(func() { s.mustFind(t, wants) })
	}
	running.Wait()
}

func (s setting) mustFind(t *testing.T, wants []string) {
	r, err := s.one(s.plan(1))
	if err == nil {
		t.Errorf("%s: nothing is found: %+v", s.broken, r)
		return
	}
	for _, want := range wants {
		if r.Findings[want] == 0 {
			t.Errorf("%s: no %s: %v", s.broken, want, r.Findings)
		}
	}
	if r.Registers.Lost > 0 {
		t.Errorf("%s: the fence let %d updates be lost", s.broken, r.Registers.Lost)
	}
	if s.broken == brokenSteals && r.BareLost == 0 {
		t.Errorf("%s: no update without a fence was lost", s.broken)
	}
	if !strings.Contains(err.Error(), "again: go run ./chaos -seed 1 -rounds 1 -kind histories -store sqlite -round 3s") {
		t.Errorf("it does not say how to run it again: %v", err)
	}
	for _, pattern := range []string{"findings.txt", "k*.html", "k*.txt", "w0.1.jsonl"} {
		if found, _ := filepath.Glob(filepath.Join(s.dir, "chaos-1-*", pattern)); len(found) == 0 {
			t.Errorf("%s: no %s is kept", s.broken, pattern)
		}
	}
}
