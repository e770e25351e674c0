//go:build unix

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMain makes this binary the workers' program too.
func TestMain(m *testing.M) {
	if len(os.Args) == 6 && ways[os.Args[2]].read != nil {
		main()
		return
	}
	os.Exit(m.Run())
}

// The story is what docs/fencing.md shows, the tokens aside.
func TestStory(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	if err := start(nil, &got); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../fencing.md")
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`token \d+`)
	plain := func(s string) string { return token.ReplaceAllString(s, "token N") }
	if !strings.Contains(plain(string(page)), "```text\n"+plain(got.String())+"```\n") {
		t.Errorf("docs/fencing.md does not have this:\n%s", got.String())
	}
}

func TestTakesNoArguments(t *testing.T) {
	t.Parallel()
	if err := start([]string{"x"}, new(strings.Builder)); err == nil {
		t.Error("no error")
	}
}
