package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const head = `# Dependencies

<!-- Written by "make deps"; "make deps-check" compares, and CI runs it. -->

What each module of this repository needs beside Go, of which versions, and under
which licences, by the licence files of each module and of its folders that are
used. A change of a go.mod shows here as a change to be looked at.

- **Built in** is what users get: %s.
- **Tests and tools** may be under these too: %s.

Anything else fails the check. Fetched beside Go modules, for tests alone: the
engine dynoxide from npm (MIT or Apache-2.0), and for the models and benchmarks
TLC (MIT) and AWS's lock client for Java (Apache-2.0) from Maven Central. The Go
vulnerability database (data: CC-BY-4.0) is read by "make vuln". go-sqlite3-wasm
holds SQLite, which is in the public domain.
`

// render writes the page.
func render(lists []list) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, head, strings.Join(allowed, ", "), strings.Join(alsoTests, ", "))
	for _, product := range []bool{true, false} {
		for _, l := range lists {
			if l.Product != product {
				continue
			}
			what := "tests and tools"
			if product {
				what = "released"
			}
			fmt.Fprintf(&b, "\n## %s\n\n%s, %s.\n", l.Dir, l.Path, what)
			table(&b, "built in", l.deps, true)
			table(&b, "tests and tools", l.deps, false)
		}
	}
	return b.Bytes()
}

func table(b *bytes.Buffer, title string, deps []dependency, shipped bool) {
	if !slices.ContainsFunc(deps, func(d dependency) bool { return d.shipped == shipped }) {
		return
	}
	fmt.Fprintf(b, "\n| %s | version | licence |\n| --- | --- | --- |\n", title)
	for _, d := range deps {
		if d.shipped == shipped {
			licence := strings.Join(d.licences, ", ")
			if d.text != "" {
				licence = strings.TrimPrefix(licence+", unknown: "+d.text, ", ")
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", d.path, d.version, licence)
		}
	}
}

// differences are the lines that only one of two pages has.
func differences(before, after []byte) string {
	a, b := strings.Split(string(before), "\n"), strings.Split(string(after), "\n")
	var diff []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			diff = append(diff, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			diff = append(diff, "+ "+line)
		}
	}
	return strings.Join(diff, "\n")
}
