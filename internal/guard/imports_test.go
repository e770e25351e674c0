package guard

import (
	"go/ast"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers says what the packages below the client may import beside the
// standard library; a final slash means everything below. Tests are free.
var layers = map[string][]string{
	"lockstore":            {},
	"lockstore/faultstore": {module + "/lockstore"},
	"lockstore/storetest":  {module + "/lockstore"},
	"memstore":             {module + "/lockstore"},
	"dynamostore":          {module + "/lockstore", "github.com/aws/"},
	pure:                   {module + "/lockstore"},
}

// pure decides from records and times alone: it may not wait, start anything,
// draw lots or look at the world. Its time comes in events.
const pure = "internal/protocol"

var impure = []string{
	"context", "sync", "sync/", "math/rand", "math/rand/", "crypto/rand", "os", "os/", "net", "net/",
	"io", "io/", "log", "log/", "runtime", "runtime/", "syscall", "unsafe",
}

var impureTime = []string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
}

// clients are the folders that may import the root package.
var clients = []string{
	"cmd", "chaos", "integrations", "sim", "bench", "tests", "dynalocktest", "docs/examples", "examples", "internal/demo", "internal/pictures", "internal/scenariotest",
}

func allows(list []string, path string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		return p == path || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
	})
}

// std packages are those whose path begins with a word that is no host.
func std(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func checkImports(files []file) (found []string) {
	for _, f := range files {
		if f.ast == nil {
			continue
		}
		for _, spec := range f.ast.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			also, layered := layers[f.dir()]
			switch {
			case path == module && strings.HasPrefix(f.path, "sqlitestore/") && strings.HasSuffix(f.path, "_test.go"):
				// A store of its own module, whose tests and examples use a client.
			case path == module && strings.HasSuffix(f.path, "store/example_test.go"):
				// Examples of a store are for its users, who give it to a client.
			case path == module && f.dir() != "." && !slices.ContainsFunc(clients, func(c string) bool { return inFolder(f.path, c) }):
				found = append(found, f.at(spec.Pos(), "imports the root package"))
			case f.test() || !layered:
			case !std(path) && !allows(also, path):
				found = append(found, f.at(spec.Pos(), "%s may not import %s", f.dir(), path))
			case f.dir() == pure && allows(impure, path):
				found = append(found, f.at(spec.Pos(), "%s is pure and may not import %s", pure, path))
			case f.dir() == pure && path == "time" && spec.Name != nil:
				found = append(found, f.at(spec.Pos(), "package time under another name"))
			}
		}
	}
	return found
}

// checkPure finds clocks, timers and goroutines in the pure package.
func checkPure(files []file) (found []string) {
	for _, f := range files {
		if !f.source() || f.dir() != pure {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				found = append(found, f.at(n.Pos(), "%s is pure and may not start a goroutine", pure))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(impureTime, n.Sel.Name) {
					found = append(found, f.at(n.Pos(), "%s is pure and may not use time.%s", pure, n.Sel.Name))
				}
			}
			return true
		})
	}
	return found
}

// checkModuleDeps looks at lines of an import path and its module. Whoever
// takes the root module's packages gets these modules.
func checkModuleDeps(lines []string) (found []string) {
	for _, line := range lines {
		path, mod, _ := strings.Cut(line, " ")
		if mod != module && !strings.HasPrefix(mod, "github.com/aws/") {
			found = append(found, "the root module's packages depend on "+path+" of "+mod)
		}
	}
	return found
}

func TestImports(t *testing.T) { clean(t, checkImports(all(t))) }

func TestPure(t *testing.T) { clean(t, checkPure(all(t))) }

func TestModuleDeps(t *testing.T) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-f",
		"{{if not .Standard}}{{.ImportPath}} {{with .Module}}{{.Path}}{{else}}no module{{end}}{{end}}", "./...")
	cmd.Dir = root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 3 {
		t.Fatalf("go list knows only %q", lines)
	}
	clean(t, checkModuleDeps(lines))
}

func TestImportsCatches(t *testing.T) {
	catches(t, checkImports([]file{
		fixture(t, "lockstore/a.go", `package lockstore; import "github.com/aws/aws-sdk-go-v2/aws"`),
		fixture(t, "lockstore/b.go", `package lockstore; import "context"`),
		fixture(t, "memstore/a.go", `package memstore; import ("`+module+`/lockstore"; "`+module+`/dynamostore")`),
		fixture(t, "memstore/a_test.go", `package memstore; import "go.uber.org/goleak"`),
		fixture(t, "dynamostore/a.go", `package dynamostore; import ("github.com/aws/smithy-go"; "`+module+`")`),
		fixture(t, "dynamostore/a_test.go", `package dynamostore; import "`+module+`"`),
		fixture(t, "cmd/dynalock/main.go", `package main; import "`+module+`"`),
		fixture(t, "memstore/example_test.go", `package memstore_test; import "`+module+`"`),
		fixture(t, "example_test.go", `package dynalock_test; import "`+module+`"`),
		fixture(t, pure+"/a.go", `package protocol; import ("time"; "math"; "math/rand/v2"; "sync/atomic"; "slices")`),
		fixture(t, pure+"/b.go", `package protocol; import (clock "time"; "context")`),
		fixture(t, pure+"/a_test.go", `package protocol; import "os"`),
	}),
		"lockstore may not import github.com/aws/",
		"memstore may not import "+module+"/dynamostore",
		"dynamostore/a.go:1: imports the root",
		"dynamostore/a_test.go:1: imports the root",
		"pure and may not import math/rand/v2",
		"pure and may not import sync/atomic",
		"time under another name",
		"pure and may not import context",
	)
}

func TestPureCatches(t *testing.T) {
	const text = `package protocol

func f(d time.Duration) time.Time {
	go f(d)
	<-time.After(d)
	return time.Now()
}`
	catches(t, checkPure([]file{
		fixture(t, pure+"/a.go", text), fixture(t, pure+"/a_test.go", text), fixture(t, "memstore/a.go", text),
	}), "a.go:4: "+pure+" is pure and may not start", "a.go:5: "+pure+" is pure and may not use time.After", "time.Now")
}

func TestModuleDepsCatches(t *testing.T) {
	catches(t, checkModuleDeps([]string{
		module + "/lockstore " + module,
		"github.com/aws/smithy-go github.com/aws/smithy-go",
		module + "/sqlitestore " + module + "/sqlitestore",
		"go.uber.org/goleak go.uber.org/goleak",
		"example.com/missing no module",
	}), "depend on "+module+"/sqlitestore of", "depend on go.uber.org/goleak", "example.com/missing of no module")
}
