package main

import (
	"fmt"
	"slices"
	"strings"
)

// parseKnown reads lines of id, module, version, first fixed version, level
// and, after a "#", the reason why it is not mended. Lines of "#" are comments.
func parseKnown(text string) (findings, error) {
	known := findings{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		entry, reason, _ := strings.Cut(line, "#")
		fields := strings.Fields(entry)
		if len(fields) != 5 || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("known.txt:%d: id, module, version, fixed version, level # reason; it is %q", n, line)
		}
		level := slices.Index(levels, fields[4])
		key := finding{fields[0], fields[1], fields[2]}
		if _, twice := known[key]; level < 0 || twice {
			return nil, fmt.Errorf("known.txt:%d: an unknown level, or known twice: %q", n, line)
		}
		known[key] = facts{level, fields[3]}
	}
	return known, nil
}

// compare gives what is found and not known, and what is known and not found.
// The standard library is that of whoever builds: lines of known.txt for
// another version of Go than this one are neither.
func compare(known, found findings, goVersion string) (problems []string) {
	for _, key := range found.sorted() {
		n := found[key]
		line := fmt.Sprintf("%s %s %s %s %s", key.id, key.module, key.version, n.fixed, levels[n.level])
		switch before, ok := known[key]; {
		case !ok:
			problems = append(problems, "new: "+line+"\n  https://pkg.go.dev/vuln/"+key.id+"; mend it, or add the line and a reason to known.txt")
		case before != n:
			problems = append(problems, fmt.Sprintf("changed: %s, in known.txt fixed %s, %s", line, before.fixed, levels[before.level]))
		}
	}
	for _, key := range known.sorted() {
		if _, ok := found[key]; !ok && (key.module != "stdlib" || key.version == goVersion) {
			problems = append(problems, fmt.Sprintf("stale: %s %s %s is not found any more: remove it from known.txt", key.id, key.module, key.version))
		}
	}
	return problems
}
