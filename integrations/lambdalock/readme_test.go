package main

import (
	"os"
	"strings"
	"testing"
)

// The code in the README is the function's.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	must(t, err)
	code, err := os.ReadFile("handler.go")
	must(t, err)
	_, rest, found := strings.Cut(string(readme), "```go\n")
	if !found {
		t.Fatal("no code in the README")
	}
	for found {
		var block string
		block, rest, _ = strings.Cut(rest, "```")
		if !strings.Contains(string(code), block) {
			t.Errorf("not in handler.go:\n%s", block)
		}
		_, rest, found = strings.Cut(rest, "```go\n")
	}
}
