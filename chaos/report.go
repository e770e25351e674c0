package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/kmdeveloping/dynalock/chaos/history"
)

// A report is what rounds came to.
type report struct {
	Rounds    map[string]int // by kind and store
	Done      map[string]int // to processes and the engine
	Faults    map[string]int // of requests
	Calls     map[string]int // by name and outcome
	Takeovers map[string]int // by cause
	Losses    map[string]int // by cause
	Tenures   int
	Steps     int // that porcupine put in order
	Unjudged  int // refusals by a tenure that nobody has a handle to
	Registers history.Register
	BareLost  int
	Bare      int
	Findings  map[string]int // by what found them
	Took      time.Duration
}

// What findings are found by.
const (
	foundOverlaps  = "overlaps"
	foundPromises  = "broken promises"
	foundTokens    = "tokens out of order"
	foundErrors    = "errors"
	foundCauses    = "without a cause"
	foundPorcupine = "porcupine"
	foundUpdates   = "lost updates"
	foundOther     = "other"
)

func newReport() *report {
	r := &report{
		Rounds: map[string]int{}, Done: map[string]int{}, Faults: map[string]int{}, Calls: map[string]int{},
		Takeovers: map[string]int{}, Losses: map[string]int{}, Findings: map[string]int{},
	}
	for _, by := range []string{foundOverlaps, foundPromises, foundTokens, foundErrors, foundCauses, foundPorcupine, foundUpdates, foundOther} {
		r.Findings[by] = 0
	}
	return r
}

func (r *report) add(o *report) {
	for _, m := range [][2]map[string]int{
		{r.Rounds, o.Rounds}, {r.Done, o.Done}, {r.Faults, o.Faults}, {r.Calls, o.Calls},
		{r.Takeovers, o.Takeovers}, {r.Losses, o.Losses}, {r.Findings, o.Findings},
	} {
		for name, n := range m[1] {
			m[0][name] += n
		}
	}
	r.Tenures += o.Tenures
	r.Steps += o.Steps
	r.Unjudged += o.Unjudged
	r.Registers.Applied += o.Registers.Applied
	r.Registers.Refused += o.Registers.Refused
	r.Registers.Unknown += o.Registers.Unknown
	r.Registers.Lost += o.Registers.Lost
	r.Bare += o.Bare
	r.BareLost += o.BareLost
	r.Took += o.Took
}

// thinking is how long porcupine may take for a key.
const thinking = time.Minute

// judge concludes what a round came to from its logs. problem is what failed
// beside them. On a finding the pictures are left in the folder.
func (p *plan) judge(dir string, last map[string]string, problem error) (*report, []string, error) {
	r := newReport()
	r.Rounds[p.kind+" on "+p.store]++
	events, err := history.Read(dir)
	if err != nil {
		return r, nil, err
	}
	h := history.New(events)
	o := history.Options{Named: p.kind == kindNamed, Repeats: p.store == storeSQLite && p.faults > 0, Deleting: func(key string) bool { return key == p.deleting }}
	r.count(h)
	var found []string
	keys := map[string]bool{}
	note := func(by string, all []history.Finding) {
		r.Findings[by] += len(all)
		for _, f := range all {
			found, keys[f.Key] = append(found, by+": "+f.String()), true
		}
	}
	note(foundOverlaps, h.Overlaps(o))
	note(foundPromises, h.Promises(o))
	note(foundTokens, h.Tokens(o))
	note(foundErrors, h.Errors())
	var causes []history.Finding
	r.Takeovers, r.Losses, causes = h.Causes(o)
	note(foundCauses, causes)
	for _, v := range h.Linearize(o, thinking) {
		r.Steps += v.Steps
		r.Unjudged += v.Unjudged
		if v.Result != porcupine.Ok {
			note(foundPorcupine, []history.Finding{{Key: v.Key, What: fmt.Sprintf("no order of the steps fits the model (%s): %s", v.Result, v.Stuck)}})
			if err := v.Draw(filepath.Join(dir, v.Key+".html")); err != nil {
				return r, found, err
			}
		}
	}
	if problem != nil {
		note(foundOther, []history.Finding{{What: problem.Error()}})
	} else {
		note(foundUpdates, r.registers(h, last))
	}
	return r, found, p.draw(dir, h, found, keys)
}

// registers adds the registers up. What a bare one lost is only counted.
func (r *report) registers(h *history.History, last map[string]string) (found []history.Finding) {
	for _, reg := range h.Registers(last) {
		if reg.Bare() {
			r.Bare += reg.Applied
			r.BareLost += reg.Lost
			continue
		}
		r.Registers.Applied += reg.Applied
		r.Registers.Refused += reg.Refused
		r.Registers.Unknown += reg.Unknown
		r.Registers.Lost += reg.Lost
		for _, f := range reg.Findings {
			f.Key, _, _ = strings.Cut(f.Key, "/")
			found = append(found, f)
		}
	}
	return found
}

func (r *report) count(h *history.History) {
	for _, e := range h.Events {
		switch e.Kind {
		case history.End:
			r.Calls[e.Op+" "+e.Outcome]++
			if (e.Op == history.Acquire || e.Op == history.Resume) && e.Outcome == history.OK {
				r.Tenures++
			}
		case history.Faulty:
			r.Faults[e.Op]++
		case history.Begin, history.Held, history.Lost, history.Cont, history.Heal, history.Up, history.Exit:
		default:
			r.Done[string(e.Kind)]++
		}
	}
	if n := len(h.Events); n > 0 {
		r.Took = time.Duration(h.Events[n-1].At - h.Events[0].At)
	}
}

// draw leaves what was found in the folder, and a timeline of each key.
func (p *plan) draw(dir string, h *history.History, found []string, keys map[string]bool) error {
	if len(found) == 0 {
		return nil
	}
	text := p.String() + "\n" + strings.Join(found, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "findings.txt"), []byte(text), 0o600); err != nil {
		return err
	}
	for key := range keys {
		if key == "" {
			continue
		}
		f, err := os.Create(filepath.Join(dir, key+".txt"))
		if err != nil {
			return err
		}
		if err := h.Timeline(f, key, true); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// print writes the report.
func (r *report) print(w io.Writer) {
	row := func(name string, m map[string]int) {
		var parts []string
		total := 0
		for _, k := range slices.Sorted(maps.Keys(m)) {
			parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
			total += m[k]
		}
		fmt.Fprintf(w, "%-20s %6d  %s\n", name, total, strings.Join(parts, ", "))
	}
	fmt.Fprintf(w, "%-20s %6.1f\n", "minutes", r.Took.Minutes())
	row("rounds", r.Rounds)
	row("done to processes", r.Done)
	row("faults of requests", r.Faults)
	row("calls", r.Calls)
	fmt.Fprintf(w, "%-20s %6d  put in order by porcupine: %d steps; %d refusals by a tenure that nobody has\n", "tenures", r.Tenures, r.Steps, r.Unjudged)
	row("takeovers", r.Takeovers)
	row("losses", r.Losses)
	fmt.Fprintf(w, "%-20s %6d  applied, %d refused by a fence, %d unknown, lost: %d; without a fence %d of %d\n",
		"register updates", r.Registers.Applied, r.Registers.Refused, r.Registers.Unknown, r.Registers.Lost, r.BareLost, r.Bare)
	row("FOUND", r.Findings)
}
