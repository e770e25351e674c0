package guard

import (
	"go/ast"
	"go/doc"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// shown are the packages whose functions each stand in an example: the root and
// what its users call beside it. Those that implement lockstore.Store need not show
// its methods, which are the client's to call.
var shown = []string{".", "dynalocktest", "dynamostore", "memstore", "sqlitestore"}

// seam holds the interfaces of stores.
const seam = "lockstore"

// A symbol is an exported function, or a method of an exported type.
type symbol struct{ dir, recv, name string }

func (s symbol) String() string {
	if s.recv != "" {
		return path.Join(module, s.dir) + "." + s.recv + "." + s.name
	}
	return path.Join(module, s.dir) + "." + s.name
}

// checkExamples finds what no example of its package calls, and examples that are
// compiled but never run. Methods are told apart by their names alone.
func checkExamples(files []file) (found []string) {
	calls := map[symbol]bool{} // methods without their types
	for _, f := range testFiles(files) {
		for _, d := range f.ast.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && isExample(f, d) {
				noteCalls(f, d, calls)
			}
		}
		found = append(found, notRun(f)...)
	}
	ofStores := interfaceMethods(files)
	for _, f := range files {
		if !f.source() || !slices.Contains(shown, f.dir()) {
			continue
		}
		for _, d := range f.ast.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || !visible(d) {
				continue
			}
			s, called := symbol{f.dir(), receiver(d), d.Name.Name}, symbol{dir: f.dir(), name: d.Name.Name}
			if s.recv != "" {
				called.recv = "*"
			}
			if !calls[called] && !(s.recv == "Store" && ofStores[s.name]) {
				found = append(found, f.at(d.Pos(), "no example calls %s", s))
			}
		}
	}
	return found
}

// isExample tells examples; in package dynalocktest also tests of the example
// file, since an example has no testing.T.
func isExample(f file, d *ast.FuncDecl) bool {
	if d.Recv != nil || !f.test() {
		return false
	}
	return strings.HasPrefix(d.Name.Name, "Example") ||
		f.path == "dynalocktest/example_test.go" && strings.HasPrefix(d.Name.Name, "Test")
}

// notRun finds examples that say nothing of their output.
func notRun(f file) (found []string) {
	if !slices.Contains(shown, f.dir()) {
		return nil
	}
	for _, e := range doc.Examples(f.ast) {
		if e.Output == "" && !e.EmptyOutput {
			found = append(found, f.path+": Example"+e.Name+" has no output to compare, so that it is not run")
		}
	}
	return found
}

// noteCalls collects what an example calls: functions of its package by the name
// that the file imports it under, methods by their own.
func noteCalls(f file, d *ast.FuncDecl, calls map[symbol]bool) {
	own := ""
	for _, spec := range f.ast.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p == path.Join(module, f.dir()) {
			if own = path.Base(p); spec.Name != nil {
				own = spec.Name.Name
			}
		}
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok {
			recv := "*"
			if x, ok := s.X.(*ast.Ident); ok && x.Name == own {
				recv = ""
			}
			calls[symbol{f.dir(), recv, s.Sel.Name}] = true
		}
		return true
	})
}

func interfaceMethods(files []file) map[string]bool {
	methods := map[string]bool{}
	for _, f := range files {
		if !f.source() || f.dir() != seam {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok {
				for _, m := range i.Methods.List {
					for _, name := range m.Names {
						methods[name.Name] = true
					}
				}
			}
			return true
		})
	}
	return methods
}

// receiver is the name of a method's type; empty: it is a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func TestExamples(t *testing.T) { clean(t, checkExamples(all(t))) }

func TestExamplesCatches(t *testing.T) {
	const api = `package dynalock
func New() *Client { return nil }
func WithA() {}
func WithB() {}
func WithC() {}
func WithD() {}
func hidden() {}
type Client struct{}
func (c *Client) Take() {}
func (c *Client) Give() {}
func (c *Client) Error() string { return "" }
type quiet struct{}
func (quiet) Take() {}
`
	const examples = `package dynalock_test
import "` + module + `"
func Example() {
	c := dynalock.New()
	func() { c.Take() }()
	dynalock.WithA()
	// Output:
}
func ExampleWithB() { dynalock.WithB() }
func helper(c *dynalock.Client) { c.Give(); dynalock.WithC() }
func TestX() { dynalock.WithC() }
`
	const store = "package memstore\ntype Store struct{}\nfunc (s *Store) Get() {}\nfunc (s *Store) Peek() {}\nfunc (s *Store) Take() {}\n"
	catches(t, checkExamples([]file{
		fixture(t, "client.go", api),
		fixture(t, "example_test.go", examples),
		fixture(t, "lockstore/store.go", "package lockstore\ntype Store interface { Get() }"),
		fixture(t, "memstore/store.go", store),
		fixture(t, "dynalocktest/table.go", "package dynalocktest\nfunc New() {}\nfunc Old() {}"),
		fixture(t, "dynalocktest/example_test.go", `package x; import "`+module+`/dynalocktest"; func TestX() { dynalocktest.New() }`),
		fixture(t, "dynalocktest/more_test.go", `package x; import "`+module+`/dynalocktest"; func TestX() { dynalocktest.Old() }`),
		fixture(t, "sim/sim.go", "package sim\nfunc F() {}"),
		fixture(t, "sim/example_test.go", `package x; import "`+module+`"; func Example() { dynalock.WithD() }`),
	}),
		"ExampleWithB has no output",
		"client.go:5: no example calls "+module+".WithC",
		"client.go:6: no example calls "+module+".WithD",
		"client.go:10: no example calls "+module+".Client.Give",
		"memstore/store.go:4: no example calls "+module+"/memstore.Store.Peek",
		"memstore/store.go:5: no example calls "+module+"/memstore.Store.Take",
		"dynalocktest/table.go:3: no example calls "+module+"/dynalocktest.Old",
	)
}
