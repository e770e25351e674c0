package history

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
)

// Timeline writes what happened to a key, and to the processes meanwhile, as
// text: a line an event, in seconds since the first one. Faults of single
// requests are left out unless all is set, looks at handles save the first and
// the last.
func (h *History) Timeline(w io.Writer, key string, all bool) error {
	if len(h.Events) == 0 {
		return nil
	}
	out := bufio.NewWriter(w)
	start := h.Events[0].At
	for i, e := range h.Events {
		if e.Key != key && e.Key != "" || !all && (e.Kind == Faulty || e.Kind == Held && !h.edge(i)) {
			continue
		}
		fmt.Fprintf(out, "%10.4f  %-8s %-7s %s\n", float64(e.At-start)/1e9, e.Process, e.Kind, e.text(start))
	}
	return out.Flush()
}

// edge reports the first or last look at a handle.
func (h *History) edge(i int) bool {
	e := h.Events[i]
	for _, t := range h.of(e.Key).tenures {
		if t.Process == e.Process && (t.First == e.From || t.Last == e.From) {
			return true
		}
	}
	return false
}

// text is the rest of a line.
func (e Event) text(start int64) string {
	var b strings.Builder
	word := func(format string, args ...any) { fmt.Fprintf(&b, format+" ", args...) }
	if e.Op != "" {
		word("%s", e.Op)
	}
	if e.Call != 0 {
		word("#%d", e.Call)
	}
	if e.Kind != Begin && e.From != 0 {
		word("since %.4f", float64(e.From-start)/1e9)
	}
	if e.Outcome != "" {
		word("%s", e.Outcome)
	}
	if e.Token != 0 {
		word("token %d", e.Token)
	}
	if e.TookOver {
		word("taken over")
	}
	if e.Lease != 0 {
		word("lease %v live=%v", time.Duration(e.Lease), e.Live)
	}
	if e.AtLeast != 0 {
		word("at least %v", time.Duration(e.AtLeast))
	}
	if e.Until != 0 {
		word("until %.4f", float64(e.Until-start)/1e9)
	}
	if e.Register != "" {
		word("%s: %s after %q", e.Register, e.ID, e.Prev)
	}
	if e.Holder != "" {
		word("by %s %d", e.Holder, e.HolderToken)
	}
	if more := cmp.Or(e.Error, e.Reason); more != "" {
		word("%s", strings.ReplaceAll(more, "\n", " "))
	}
	return strings.TrimSpace(b.String())
}
