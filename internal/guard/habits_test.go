package guard

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// marks of unfinished work belong into issues. (The pattern must not find
// itself.)
var mark = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

func checkMarks(files []file) (found []string) {
	for _, f := range files {
		for i, line := range strings.Split(f.text, "\n") {
			if m := mark.FindString(line); m != "" {
				found = append(found, f.line(i+1, "%s: finish it or file an issue", m))
			}
		}
	}
	return found
}

// checkSkips finds tests that can turn themselves off: a skipped test looks
// like one that passed.
func checkSkips(files []file) (found []string) {
	for _, f := range testFiles(files) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
					found = append(found, f.at(s.Sel.Pos(), "a test may not skip"))
				}
			}
			return true
		})
	}
	return found
}

// testFiles are tests, and all of a package that imports package testing.
func testFiles(files []file) (tests []file) {
	helps := map[string]bool{} // by folder
	for _, f := range files {
		if f.source() && slices.ContainsFunc(f.ast.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"testing"` }) {
			helps[f.dir()] = true
		}
	}
	for _, f := range files {
		if f.ast != nil && (f.test() || helps[f.dir()]) {
			tests = append(tests, f)
		}
	}
	return tests
}

// checkSleeps finds tests that wait for real time. Time is fake inside
// functions given to synctest.Test, or to a helper of the same folder that
// gives them on.
func checkSleeps(files []file) (found []string) {
	tests := testFiles(files)
	helpers := bubbleHelpers(tests)
	for _, f := range tests {
		excused := map[int]bool{} // lines that a comment covers
		for _, g := range f.ast.Comments {
			for _, c := range g.List {
				if reason.MatchString(c.Text) {
					n := fset.Position(c.Pos()).Line
					end := fset.Position(g.End()).Line
					excused[n], excused[end+1] = true, true
				}
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			switch {
			case !ok:
			case callee(call) == "synctest.Test" || helpers[f.dir()+" "+callee(call)]:
				return false
			case callee(call) == "time.Sleep" && !excused[fset.Position(call.Pos()).Line]:
				found = append(found, f.at(call.Pos(), "time.Sleep outside synctest without a comment // real time: reason"))
			}
			return true
		})
	}
	return found
}

var reason = regexp.MustCompile(`\b(real|fake) time: \S`)

// bubbleHelpers are the functions, as "dir name", that take a function and
// call synctest.Test or another such helper.
func bubbleHelpers(tests []file) map[string]bool {
	helpers := map[string]bool{}
	for before := -1; before < len(helpers); {
		before = len(helpers)
		for _, f := range tests {
			for _, d := range f.ast.Decls {
				d, ok := d.(*ast.FuncDecl)
				if !ok || !takesFunc(d) {
					continue
				}
				ast.Inspect(d, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok && (callee(call) == "synctest.Test" || helpers[f.dir()+" "+callee(call)]) {
						helpers[f.dir()+" "+d.Name.Name] = true
					}
					return true
				})
			}
		}
	}
	return helpers
}

func takesFunc(d *ast.FuncDecl) bool {
	return slices.ContainsFunc(d.Type.Params.List, func(p *ast.Field) bool {
		_, ok := p.Type.(*ast.FuncType)
		return ok
	})
}

// callee is the name of a called function, with its package's or receiver's.
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

func TestMarks(t *testing.T) { clean(t, checkMarks(all(t))) }

func TestSkips(t *testing.T) { clean(t, checkSkips(all(t))) }

func TestSleeps(t *testing.T) { clean(t, checkSleeps(all(t))) }

func TestMarksCatches(t *testing.T) {
	catches(t, checkMarks([]file{
		fixture(t, "a.go", "package a\n// TO"+"DO: later"),
		fixture(t, "b.md", "FIX"+"ME"),
		fixture(t, "c.go", "package c\n// FIX"+"MENOT, and a to-do list"),
	}), "a.go:2: ", "b.md:1: ")
}

func TestSkipsCatches(t *testing.T) {
	const call = `; func f(t *testing.T) { t.Skip("slow"); if testing.Short() { t.SkipNow() } }`
	catches(t, checkSkips([]file{
		fixture(t, "a_test.go", `package a`+call),
		fixture(t, "suite.go", `package a; import "testing"`+call),
		fixture(t, "b/b.go", `package b; func g(r reader) { r.Skip(4) }`),
	}), "a_test.go:1: ", "a_test.go:1: ", "suite.go:1: ", "suite.go:1: ")
}

func TestSleepsCatches(t *testing.T) {
	catches(t, checkSleeps([]file{
		fixture(t, "p/a_test.go", `package p
func TestReal(t *testing.T) {
	time.Sleep(1)
	time.Sleep(1) // real time: a socket's
	// real time: a process, which takes
	// its time
	time.Sleep(1)
	time.Sleep(1) // real time:
	synctest.Test(t, func(t *testing.T) { time.Sleep(1) })
	outer(t, func() { time.Sleep(1) })
	noBubble(t, func() { time.Sleep(1) })
}
func outer(t *testing.T, f func()) { bubble(t, f) }
func bubble(t *testing.T, f func()) { synctest.Test(t, func(*testing.T) { f() }) }
func noBubble(t *testing.T, f func()) { f() }
`),
		fixture(t, "p/suite.go", "package p\nimport \"testing\"\nfunc f(testing.TB) { time.Sleep(1) }"),
		fixture(t, "q/a_test.go", "package q\nfunc f() { bubble(t, func() { time.Sleep(1) }) }"),
		fixture(t, "p/a.go", "package p\nfunc f() { time.Sleep(1) }"),
		fixture(t, "q/a.go", "package q\nfunc f() { time.Sleep(1) }"),
	}), "p/a_test.go:3: ", "p/a_test.go:8: ", "p/a_test.go:11: ", "p/suite.go:3: ", "q/a_test.go:2: ", "p/a.go:2: ")
}
