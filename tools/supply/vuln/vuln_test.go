package main

import (
	"reflect"
	"strings"
	"testing"
)

const report = `{"config": {"go_version": "go1.26.8"}}
{"progress": {"message": "x"}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "os", "function": "Open"}, {"module": "ours"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "os"}]}}
{"finding": {"osv": "GO-2", "trace": [{"module": "example.com/m", "version": "v1.0.0", "package": "example.com/m/p"}]}}
`

// The nearest of several findings of one vulnerability counts.
func TestRead(t *testing.T) {
	got := findings{}
	if err := got.read(strings.NewReader(report)); err != nil {
		t.Fatal(err)
	}
	want := findings{{"GO-1", "stdlib", "go1.26.8"}: {2, "go1.26.9"}, {"GO-2", "example.com/m", "v1.0.0"}: {1, "none"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"", "{", `{"finding": {"osv": "GO-1"}}`} {
		if err := (findings{}).read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken for a report", bad)
		}
	}
}

func TestCompare(t *testing.T) {
	found := findings{}
	if err := found.read(strings.NewReader(report)); err != nil {
		t.Fatal(err)
	}
	const both = "GO-1 stdlib go1.26.8 go1.26.9 called # Go's\nGO-2 example.com/m v1.0.0 none imported # why not\n"
	for known, want := range map[string][]string{
		"# nothing\n": {"new: GO-2 example.com/m v1.0.0 none imported", "new: GO-1 stdlib go1.26.8 go1.26.9 called"},
		both:          nil,
		strings.Replace(both, "called", "imported", 1):                     {"changed: GO-1 stdlib go1.26.8 go1.26.9 called"},
		strings.Replace(both, "none", "v1.1.0", 1):                         {"changed: GO-2 example.com/m v1.0.0 none imported"},
		both + "GO-3 stdlib go1.26.8 go1.26.9 called # x\n":                {"stale: GO-3 stdlib go1.26.8"},
		both + "GO-3 stdlib go1.26.7 go1.26.9 called # of an older Go\n":   nil,
		both + "GO-1 example.com/m v0.9.0 v1.0.0 needed # of an old one\n": {"stale: GO-1 example.com/m v0.9.0"},
	} {
		k, err := parseKnown(known)
		if err != nil {
			t.Fatal(err)
		}
		got := compare(k, found, "go1.26.8")
		if len(got) != len(want) {
			t.Errorf("%q: %q", known, got)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%q: %q", known, got[i])
			}
		}
	}
}

func TestParseKnown(t *testing.T) {
	for _, bad := range []string{"GO-1", "GO-1 stdlib go1 go2 called", "GO-1 stdlib go1 go2 called #", "GO-1 stdlib go1 go2 close # x", "A b c d called # x\nA b c d called # x"} {
		if _, err := parseKnown(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := parseKnown(knownText); err != nil {
		t.Error(err)
	}
}
