package guard

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/kmdeveloping/dynalock"

var fset = token.NewFileSet()

// A file is one file of the checkout.
type file struct {
	path string    // relative to the root, with slashes
	text string    // empty for binary files
	ast  *ast.File // of Go files, those under testdata aside
}

func (f file) dir() string  { return path.Dir(f.path) }
func (f file) test() bool   { return strings.HasSuffix(f.path, "_test.go") }
func (f file) source() bool { return f.ast != nil && !f.test() }

// at is a finding at a position of a Go file.
func (f file) at(pos token.Pos, format string, args ...any) string {
	return f.line(fset.Position(pos).Line, format, args...)
}

func (f file) line(n int, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: ", f.path, n) + fmt.Sprintf(format, args...)
}

// inFolder says whether path lies in dir at any depth.
func inFolder(path, dir string) bool {
	return dir == "." || path == dir || strings.HasPrefix(path, dir+"/")
}

// root is the folder of the checkout: go test runs in the package's folder.
var root = sync.OnceValue(func() string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return dir
})

// checkout reads every file once.
var checkout = sync.OnceValues(func() (files []file, err error) {
	err = filepath.WalkDir(root(), func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root(), name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case entry.IsDir() && ignored(rel):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := newFile(rel, string(text))
		files = append(files, f)
		return err
	})
	return files, err
})

// ignored folders are those that .gitignore names, and tools' own.
func ignored(dir string) bool {
	base := path.Base(dir)
	return dir == "bin" || base == "node_modules" ||
		strings.HasPrefix(base, ".") && !slices.Contains([]string{".", ".ci", ".github"}, dir)
}

func newFile(name, text string) (file, error) {
	f := file{path: name, text: text}
	if strings.ContainsRune(text, 0) {
		f.text = ""
	}
	if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
		return f, nil
	}
	var err error
	f.ast, err = parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

// all gives the checkout to a test.
func all(t *testing.T) []file {
	t.Helper()
	files, err := checkout()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// clean fails the test for each finding.
func clean(t *testing.T, found []string) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

// fixture makes a file that exists in a test only.
func fixture(t *testing.T, name, text string) file {
	t.Helper()
	f, err := newFile(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// catches fails the test unless the findings are the wanted ones, of which
// each is a part of its finding.
func catches(t *testing.T, found []string, want ...string) {
	t.Helper()
	for i, f := range found {
		if i >= len(want) || !strings.Contains(f, want[i]) {
			t.Errorf("unwanted or out of order: %s", f)
		}
	}
	for _, w := range want[min(len(found), len(want)):] {
		t.Errorf("not caught: %s", w)
	}
}

func TestCheckoutIsRead(t *testing.T) {
	if !slices.ContainsFunc(all(t), func(f file) bool { return f.path == "internal/guard/tree_test.go" && f.test() }) {
		t.Error("this file is not among those that the guards see")
	}
	for dir, want := range map[string]bool{
		".": false, ".ci": false, ".git": true, ".cache": true, "bin": true, "bench/bin": false, "docs": false,
	} {
		if ignored(dir) != want {
			t.Errorf("ignored(%q) is %v", dir, !want)
		}
	}
}
