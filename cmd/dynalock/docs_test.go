package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kmdeveloping/dynalock/cmd/dynalock/internal/cli"
)

// TestDocsAreCurrent: docs/cli.md is what the commands say of themselves.
func TestDocsAreCurrent(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := cli.WriteDocs(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/cli.md is not what the commands say; in the root: go run ./cmd/dynalock/internal/gendocs > docs/cli.md")
	}
}

const (
	maxFileLines = 300
	maxFuncLines = 70
	maxMainLines = 30
)

// TestShape keeps files and functions short, tests from being skipped, and
// waits for real time explained.
func TestShape(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		limit := maxFileLines
		if path == "main.go" {
			limit = maxMainLines
		}
		lines := strings.Split(string(text), "\n")
		if len(lines) > limit+1 {
			t.Errorf("%s has %d lines, more than %d", path, len(lines)-1, limit)
		}
		for n, line := range lines {
			if strings.Contains(line, "t."+"Skip") {
				t.Errorf("%s:%d skips a test", path, n+1)
			}
			if strings.Contains(line, "time."+"Sleep(") && !strings.Contains(line, "// real time: ") &&
				(n == 0 || !strings.Contains(lines[n-1], "// real time: ")) {
				t.Errorf("%s:%d sleeps without saying why", path, n+1)
			}
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > maxFuncLines {
					t.Errorf("%s: %s has %d lines, more than %d", path, f.Name.Name, n, maxFuncLines)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
