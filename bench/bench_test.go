package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The workers of a test are this test binary.
func TestMain(m *testing.M) {
	if text, yes := isWorker(os.Args); yes {
		if err := work(text); err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Every row works, and the page and its charts are written.
func TestQuick(t *testing.T) {
	docs := t.TempDir()
	if _, err := run(options{quick: true, docs: docs}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, want := range []string{
		"acquire + release, free", "lapsed lock", "16 goroutines", "8 processes, one key", "3 ms more a round trip",
		"waiters in 4 processes", "200 live locks", "500 live locks", "holder killed", "fresh process", "not measured",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has nothing of %q", want)
		}
	}
	for _, name := range []string{"crowd-rate.svg", "crowd-wait.svg", "handover.svg", "held.svg"} {
		if !strings.Contains(page, "benchmarks/"+name) {
			t.Errorf("the page does not show %s", name)
		}
		text, err := os.ReadFile(filepath.Join(docs, "benchmarks", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := wellFormed(string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(string(text), "NaN") || strings.Contains(string(text), "Inf") {
			t.Errorf("%s has a number that is none", name)
		}
	}
}

func wellFormed(text string) error {
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestLeastJain(t *testing.T) {
	even := make([]grant, 200)
	for i := range even {
		even[i].Who = i % crowd
	}
	if got := leastJain(even, crowd); got != 1 {
		t.Errorf("in turns: %v, want 1", got)
	}
	one := append(make([]grant, jainOf), even...)
	if got := leastJain(one, crowd); got != 1.0/crowd {
		t.Errorf("one has all at first: %v, want 1/8", got)
	}
	if got := leastJain(make([]grant, jainOf), crowd); got != 1.0/crowd {
		t.Errorf("one has all there are: %v, want 1/8", got)
	}
	if got := leastJain(even[:jainOf-1], crowd); !math.IsNaN(got) {
		t.Errorf("too few: %v, want NaN", got)
	}
	if got := longestRun(one); got != jainOf+1 {
		t.Errorf("longest run %d, want %d", got, jainOf+1)
	}
}

func TestJudge(t *testing.T) {
	at := func(who int, ms int64) grant {
		ms *= 1e6
		return grant{Who: who, Asked: ms - 8e6, Got: ms, Released: ms + 1e6, Done: ms + 2e6}
	}
	c, err := judge([]grant{at(1, 14), at(0, 10), at(2, 18), at(3, 99)}, tally{writes: 4, reads: 6, strong: 2}, 12e6, 20e6)
	if err != nil {
		t.Fatal(err)
	}
	if c.grants != 2 || c.rate != 250 || c.writes != 2 || c.weak != 2 || c.strong != 1 || c.handOver != 3*time.Millisecond || c.p50 != 8*time.Millisecond {
		t.Errorf("wrong figures: %+v", c)
	}
	late := at(0, 10)
	late.Released = 15e6
	if _, err := judge([]grant{late, at(1, 14)}, tally{}, 0, 20e6); err == nil {
		t.Error("two holders at once were not seen")
	}
}

func TestMissed(t *testing.T) {
	b := &bench{figures: []figure{{work: "a", wanted: "1", met: true}, {work: "b"}, {work: "c", got: "2", wanted: "1"}}}
	if got := b.missed(); len(got) != 1 || got[0].work != "c" {
		t.Errorf("missed %+v", got)
	}
	var out strings.Builder
	b.print(&out)
	if !strings.Contains(out.String(), "MISSED: c: 2, wanted 1") {
		t.Errorf("what was missed is not printed: %s", out.String())
	}
	if !strings.Contains(b.page(), "- c: 2, wanted 1") {
		t.Error("what was missed is not in the page")
	}
}

func TestOnlyKnownRows(t *testing.T) {
	if _, err := run(options{quick: true, only: "nothing"}); err == nil || !strings.Contains(err.Error(), "crowd") {
		t.Errorf("a row that there is not: %v", err)
	}
}
