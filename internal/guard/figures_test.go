package guard

import (
	"regexp"
	"slices"
	"testing"
)

var (
	bold   = regexp.MustCompile(`\*\*[^*]+\*\*`)
	figure = regexp.MustCompile(`\d[\d,]*(?:\.\d+)?`)
)

// checkFigures wants the numbers that a page has in bold, for they were measured,
// to stand in docs/benchmarks.md, which make bench writes anew.
func checkFigures(name, text, benchmarks string) (found []string) {
	var measured []string
	for _, n := range figure.FindAllString(benchmarks, -1) {
		measured = append(measured, plain(n))
	}
	for _, b := range bold.FindAllString(text, -1) {
		for _, n := range figure.FindAllString(b, -1) {
			if !slices.Contains(measured, plain(n)) {
				found = append(found, name+": "+b+": docs/benchmarks.md has no "+n)
			}
		}
	}
	return found
}

var ending = regexp.MustCompile(`\.0+$|(\.\d*?[1-9])0+$`)

// plain is a number without commas and without zeros that do not count.
func plain(n string) string {
	return ending.ReplaceAllString(regexp.MustCompile(`,`).ReplaceAllString(n, ""), "$1")
}

func TestFigures(t *testing.T) {
	text := map[string]string{}
	for _, f := range all(t) {
		text[f.path] = f.text
	}
	for _, name := range []string{"README.md", "docs/comparison.md"} {
		if !bold.MatchString(text[name]) {
			t.Errorf("%s has nothing in bold", name)
		}
		clean(t, checkFigures(name, text[name], text["docs/benchmarks.md"]))
	}
}

func TestFiguresCatches(t *testing.T) {
	catches(t, checkFigures("a.md", "| **5,071 ms** | **38.1** | **1.24 of 2** | 9 |", "| 5071 | 38.10 | 1.25, 2.00 |"), "a.md: **1.24 of 2**: docs/benchmarks.md has no 1.24")
}
