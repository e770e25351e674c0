package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A check is one run of TLC: a model's configuration, some of whose constants
// are set otherwise.
type check struct {
	name  string // model/what
	base  string // the configuration that it starts from
	set   map[string]string
	wants string // the invariant or property that has to be violated; empty: none
	short bool
}

func (c check) model() string {
	model, _, _ := strings.Cut(c.name, "/")
	return model
}

// readChecks reads the table of checks: a line each, its columns set apart by
// "|": when, name, configuration, constants, what must be found.
func readChecks(path string) (checks []check, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(line, "|")
		if len(column) != 5 {
			return nil, fmt.Errorf("%s:%d: %d columns, want 5", filepath.Base(path), i+1, len(column))
		}
		for j := range column {
			column[j] = strings.TrimSpace(column[j])
		}
		c := check{short: column[0] == "short", name: column[1], base: column[2], set: map[string]string{}}
		if column[4] != "holds" {
			c.wants = column[4]
		}
		for _, pair := range strings.Split(column[3], ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
				c.set[name] = value
			}
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// config gives the text of the configuration with the constants of the check.
func (c check) config(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, c.base))
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(text), "\n")
	for name, value := range c.set {
		found := false
		for i, line := range lines {
			switch n, _, ok := strings.Cut(line, "="); {
			case ok && strings.TrimSpace(n) == name:
				lines[i], found = "  "+name+" = "+value, true
			case strings.HasPrefix(line, name+" "): // what is to be checked
				lines[i], found = name+" "+value, true
			}
		}
		if !found {
			return "", fmt.Errorf("%s has no constant %s", c.base, name)
		}
	}
	return strings.Join(lines, "\n"), nil
}
