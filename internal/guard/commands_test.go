package guard

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkCommands looks at what Markdown files tell a reader to type: make's
// targets and the folders that go is given must exist. What the command
// dynalock is given, its own tests check.
func checkCommands(files []file) (found []string) {
	targets := makeTargets(files)
	for _, p := range pages(files) {
		for n, line := range shellLines(p) {
			for _, command := range simple(line) {
				if why := wrongCommand(files, targets, command); why != "" {
					found = append(found, p.line(n, "%s: %s", strings.Join(command, " "), why))
				}
			}
		}
	}
	return found
}

var target = regexp.MustCompile(`(?m)^([a-z-]+):`)

func makeTargets(files []file) (targets []string) {
	for _, f := range files {
		if f.path == "Makefile" {
			for _, m := range target.FindAllStringSubmatch(f.text, -1) {
				targets = append(targets, m[1])
			}
		}
	}
	return targets
}

// shellLines gives the lines of sh blocks, and code within prose, by number.
func shellLines(p page) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		for _, b := range p.blocks {
			for i, line := range strings.Split(b.text, "\n") {
				if b.lang == "sh" && !yield(b.line+i, line) {
					return
				}
			}
		}
		for i, line := range p.prose {
			for _, span := range codeSpan.FindAllString(line, -1) {
				if !yield(i+1, strings.Trim(span, "`")) {
					return
				}
			}
		}
	}
}

var separator = regexp.MustCompile(`&&|\|\||[;|]`)

// simple gives the commands of a line by words, without comments.
func simple(line string) (commands [][]string) {
	line, _, _ = strings.Cut(" "+line, " #")
	for _, part := range separator.Split(line, -1) {
		words := strings.Fields(part)
		for len(words) > 0 && strings.Contains(words[0], "=") { // a variable for it
			words = words[1:]
		}
		if len(words) > 1 {
			commands = append(commands, words)
		}
	}
	return commands
}

// wrongCommand says what is wrong with a command, if anything.
func wrongCommand(files []file, targets, words []string) string {
	switch words[0] {
	case "make":
		for _, w := range words[1:] {
			if !strings.Contains(w, "=") && !slices.Contains(targets, w) {
				return "no such target"
			}
		}
	case "go":
		for _, w := range words[1:] {
			if w == "--" {
				break
			}
			dir, ok := strings.CutPrefix(w, "./")
			if !ok || strings.Contains(dir, "...") {
				continue
			}
			i := slices.IndexFunc(files, func(f file) bool { return f.source() && f.dir() == path.Clean(dir) })
			switch {
			case i < 0 && !slices.ContainsFunc(files, func(f file) bool { return f.test() && f.dir() == path.Clean(dir) }):
				return "no Go files there"
			case words[1] == "run" && (i < 0 || files[i].ast.Name.Name != "main"):
				return "no command there"
			}
		}
	}
	return ""
}

var testName = regexp.MustCompile("^`((?:Test|Example)[A-Z]\\w*)`$")

// checkCited wants the tests that prose names to exist.
func checkCited(files []file) (found []string) {
	tests := map[string]bool{}
	for _, f := range files {
		if !f.test() || f.ast == nil {
			continue
		}
		for _, d := range f.ast.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				tests[d.Name.Name] = true
			}
		}
	}
	for _, p := range pages(files) {
		for i, line := range p.prose {
			for _, span := range codeSpan.FindAllString(line, -1) {
				if m := testName.FindStringSubmatch(span); m != nil && !tests[m[1]] {
					found = append(found, p.line(i+1, "there is no %s", m[1]))
				}
			}
		}
	}
	return found
}

func TestCommands(t *testing.T) { clean(t, checkCommands(all(t))) }

func TestCited(t *testing.T) { clean(t, checkCited(all(t))) }

func TestCitedCatches(t *testing.T) {
	catches(t, checkCited([]file{
		fixture(t, "a_test.go", "package a\nfunc TestA(t *testing.T) {}"),
		fixture(t, "a.go", "package a\nfunc TestB() {}"),
		fixture(t, "a.md", "`TestA`, `TestA(t)`, `Testing`\n`TestB` and `ExampleC_d`\n"),
	}), "a.md:2: there is no TestB", "a.md:2: there is no ExampleC_d")
}

func TestCommandsCatches(t *testing.T) {
	catches(t, checkCommands([]file{
		fixture(t, "Makefile", "# no: target\n.PHONY: test\ntest: vet ## all\nvet:\n\tgo vet\n"),
		fixture(t, "cmd/a/main.go", "package main\nfunc main() {}"),
		fixture(t, "lib/a.go", "package lib"),
		fixture(t, "tests/a_test.go", "package tests"),
		fixture(t, "a.md", strings.Join([]string{
			"```sh",                                 // 1
			"make test vet X=1 # and nothing else",  // 2
			"X=1 go run ./cmd/a -- ./none && make",  // 3
			"make tset",                             // 4
			"true; go run ./lib",                    // 5
			"go test -run Example ./lib ./... work", // 6
			"go test ./tests | grep x",              // 7
			"go test ./test",                        // 8
			"```",                                   // 9
			"`make all` in `make test`, `go run`",   // 10
			"```text",                               // 11
			"make none",                             // 12
			"```",                                   // 13
		}, "\n")),
	}),
		"a.md:4: make tset: no such target", "a.md:5: go run ./lib: no command there",
		"a.md:8: go test ./test: no Go files there", "a.md:10: make all: no such target")
}
