package history

import (
	"fmt"
	"strings"
)

// A Register is an item that is changed under the lock: each update is made
// from the one that it read before, and names it. So the updates that count are
// a chain back from the last one, and one that was answered and is not in the
// chain was lost.
type Register struct {
	Name     string
	Applied  int // answered with success
	Unknown  int // without an answer, and in the chain or not
	Refused  int // by the fence
	Lost     int // answered with success, and overwritten by who had not seen it
	Findings []Finding
}

// Registers checks every register against the last update in it.
func (h *History) Registers(last map[string]string) []Register {
	var all []Register
	for _, name := range h.registerNames() {
		all = append(all, h.register(name, last[name]))
	}
	return all
}

func (h *History) registerNames() (names []string) {
	seen := map[string]bool{}
	for _, c := range h.calls {
		if c.Op == Write && !seen[c.Register] {
			seen[c.Register] = true
			names = append(names, c.Register)
		}
	}
	return names
}

func (h *History) register(name, last string) Register {
	r := Register{Name: name}
	writes := map[string]*call{}
	for _, c := range h.calls {
		if c.Op == Write && c.Register == name {
			writes[c.ID] = c
		}
	}
	chain := map[string]bool{}
	for id := last; id != "" && !chain[id]; {
		chain[id] = true
		w := writes[id]
		if w == nil {
			r.Findings = append(r.Findings, Finding{name, 0, fmt.Sprintf("update %q is in it, and nobody made it", id)})
			break
		}
		id = w.Prev
	}
	for _, c := range h.calls {
		if c.Op != Write || c.Register != name {
			continue
		}
		switch in := chain[c.ID]; {
		case c.outcome() == OK:
			r.Applied++
			if !in {
				r.Lost++
				r.Findings = append(r.Findings, Finding{name, c.At, fmt.Sprintf("update %s of %v (made from %q) was answered and is lost", c.ID, c.Process, c.Prev)})
			}
		case c.outcome() == Unknown:
			r.Unknown++
		default:
			r.Refused++
			if in {
				r.Findings = append(r.Findings, Finding{name, c.At, fmt.Sprintf("update %s was refused and is there", c.ID)})
			}
		}
	}
	return r
}

// Bare reports a register that nothing fences. It loses updates where the
// others must not, which shows that the faults bite.
func (r Register) Bare() bool { return strings.HasSuffix(r.Name, "bare") }
