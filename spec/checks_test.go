package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// Each model has a check that holds, and each rule that a model names is
// dropped by a variant that must be caught.
func TestEachRuleHasAVariant(t *testing.T) {
	checks, err := readChecks("checks.txt")
	if err != nil {
		t.Fatal(err)
	}
	holds, dropped, names := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range checks {
		if names[c.name] {
			t.Errorf("%s stands there twice", c.name)
		}
		names[c.name] = true
		rule, variant := c.set["Dropped"]
		if variant != (c.wants != "") {
			t.Errorf("%s: only a variant is to be caught, and each is", c.name)
		}
		holds[c.model()] = holds[c.model()] || !variant
		if variant {
			dropped[c.model()+"/"+strings.Trim(rule, `{"}`)] = true
		}
		if _, err := c.config("."); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, model := range []string{"Lock", "Queue", "Session"} {
		if !holds[model] {
			t.Errorf("%s: nothing says that it holds", model)
		}
		for _, rule := range rules(t, model) {
			if !dropped[model+"/"+rule] {
				t.Errorf("%s/%s: no variant goes without it", model, rule)
			}
		}
	}
}

// rules are those that a model asks for by name.
func rules(t *testing.T, model string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(model + ".tla")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), `Rule("`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		names = append(names, name)
	}
	if len(names) == 0 {
		t.Errorf("%s names no rule", model)
	}
	return names
}

func TestConfigRefusesUnknownConstants(t *testing.T) {
	c := check{name: "Lock/x", base: "Lock.cfg", set: map[string]string{"Tenurs": "3"}}
	if _, err := c.config("."); err == nil {
		t.Error("a constant that the configuration does not have was set")
	}
	c.set = map[string]string{"Tenures": "7", "INVARIANTS": "OneBeliever"}
	text, err := c.config(".")
	if err != nil || !strings.Contains(text, "Tenures = 7\n") || !strings.Contains(text, "\nINVARIANTS OneBeliever\n") {
		t.Errorf("%v:\n%s", err, text)
	}
}

func TestFound(t *testing.T) {
	for text, want := range map[string]string{
		"Error: Invariant OneBeliever is violated.":                                   "OneBeliever",
		"Error: Temporal properties were violated.":                                   "Liveness",
		"Error: Action property NeverRevived is violated.":                            "NeverRevived",
		"Model checking completed. No error has been found.\n1 distinct states found": "holds",
		"Error: Parsing or semantic analysis failed.":                                 "",
	} {
		got, err := found(text, nil, nil)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if got, _ := found("No error has been found", context.DeadlineExceeded, nil); got == "holds" {
		t.Error("what was cut off holds")
	}
}
