package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kmdeveloping/dynalock/tools/supply/internal/checkout"
)

const isc = `ISC License

Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice
and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT,
OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA
OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
`

// Licences count where they apply: of the module, and of folders that are used.
func TestLicences(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, unknown, err := licences(dir, nil); unknown == "" || err != nil {
		t.Errorf("none: %q, %v", unknown, err)
	}
	write("LICENSE.md", isc)
	write("license.go", "no licence")
	write("a/b/COPYING", "All rights reserved, and nobody may do anything.")
	if names, unknown, err := licences(dir, []string{"a"}); !slices.Equal(names, []string{"ISC"}) || unknown != "" || err != nil {
		t.Errorf("%v, %q, %v", names, unknown, err)
	}
	if _, unknown, err := licences(dir, []string{"a/b/c"}); err == nil || unknown != "" {
		t.Errorf("a folder that is not there: %q, %v", unknown, err)
	}
	write("a/b/c/c.go", "package c")
	if _, unknown, err := licences(dir, []string{"a/b/c"}); !strings.HasPrefix(unknown, "a/b/COPYING") || err != nil {
		t.Errorf("%q, %v", unknown, err)
	}
}

// What users build in may have fewer licences than what only tests need.
func TestForbidden(t *testing.T) {
	l := list{Module: checkout.Module{Dir: "x"}, deps: []dependency{
		{path: "good", shipped: true, licences: []string{"MIT", "Apache-2.0"}}, {path: "weak", licences: []string{"MPL-2.0"}},
	}}
	if err := forbidden([]list{l}); err != nil {
		t.Error(err)
	}
	for _, bad := range []dependency{
		{path: "d", shipped: true, licences: []string{"MPL-2.0"}}, {path: "d", licences: []string{"MIT", "GPL-3.0"}}, {path: "d", text: "no file"},
	} {
		l.deps = append(l.deps[:2:2], bad)
		if err := forbidden([]list{l}); err == nil || !strings.Contains(err.Error(), "x needs d") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// A new module, and one of another version, show as lines.
func TestDifferences(t *testing.T) {
	l := list{Module: checkout.Module{Dir: "x", Product: true}, deps: []dependency{{path: "d", version: "v1", shipped: true, licences: []string{"MIT"}}}}
	before := render([]list{l})
	l.deps[0].version = "v2"
	l.deps = append(l.deps, dependency{path: "e", version: "v1"})
	want := "- | d | v1 | MIT |\n+ | d | v2 | MIT |\n+ | tests and tools | version | licence |\n+ | e | v1 |  |"
	if got := differences(before, render([]list{l})); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
