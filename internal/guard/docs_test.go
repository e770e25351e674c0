package guard

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkPackages wants one package comment a package: in doc.go, or beside
// func main for a command.
func checkPackages(files []file) (found []string) {
	packages := map[string][]file{}
	for _, f := range files {
		if f.source() {
			packages[f.dir()] = append(packages[f.dir()], f)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		var places []string
		for _, f := range packages[dir] {
			if f.ast.Doc == nil {
				continue
			}
			places = append(places, f.path)
			name := f.ast.Name.Name
			switch {
			case name == "main":
				if !slices.ContainsFunc(f.ast.Decls, isMain) {
					found = append(found, f.at(f.ast.Doc.Pos(), "a command's comment stands in the file of func main"))
				}
			case path.Base(f.path) != "doc.go":
				found = append(found, f.at(f.ast.Doc.Pos(), "a package's comment stands in doc.go"))
			case !strings.HasPrefix(f.ast.Doc.Text(), "Package "+name+" "):
				found = append(found, f.at(f.ast.Doc.Pos(), "the comment does not begin with Package %s", name))
			}
		}
		if len(places) != 1 {
			found = append(found, dir+": one package comment wanted, not in "+strings.Join(append(places, "none"), ", "))
		}
	}
	return found
}

func isMain(d ast.Decl) bool {
	f, ok := d.(*ast.FuncDecl)
	return ok && f.Recv == nil && f.Name.Name == "main"
}

// known methods have their meaning from the standard library's interfaces.
var known = []string{"Error", "Unwrap", "Is", "String", "Format", "LogValue"}

// checkExported wants a comment on what other modules see.
func checkExported(files []file) (found []string) {
	for _, f := range files {
		if !f.source() || f.ast.Name.Name == "main" || slices.Contains(strings.Split(f.path, "/"), "internal") {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if visible(d) {
					found = append(found, named(f, d.Pos(), d.Name.Name, d.Doc)...)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					found = append(found, checkSpec(f, d, spec)...)
				}
			}
		}
	}
	return found
}

// visible functions and methods are those that a package's page shows, the
// known ones aside.
func visible(d *ast.FuncDecl) bool {
	if !d.Name.IsExported() || d.Recv == nil {
		return d.Name.IsExported()
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		default:
			name, ok := t.(*ast.Ident)
			return ok && name.IsExported() && !slices.Contains(known, d.Name.Name)
		}
	}
}

// checkSpec lets constants and variables of a group share a comment, which
// then has no name to begin with.
func checkSpec(f file, d *ast.GenDecl, spec ast.Spec) []string {
	alone := !d.Lparen.IsValid()
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		doc := spec.Doc
		if alone {
			doc = d.Doc
		}
		if spec.Name.IsExported() {
			return named(f, spec.Pos(), spec.Name.Name, doc)
		}
	case *ast.ValueSpec:
		i := slices.IndexFunc(spec.Names, (*ast.Ident).IsExported)
		if i < 0 {
			return nil
		}
		if alone && len(spec.Names) == 1 {
			return named(f, spec.Pos(), spec.Names[i].Name, d.Doc)
		}
		if d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
			return []string{f.at(spec.Pos(), "%s has no comment", spec.Names[i].Name)}
		}
	}
	return nil
}

// named wants a comment that begins with the name, after an article or none.
func named(f file, pos token.Pos, name string, doc *ast.CommentGroup) []string {
	if doc == nil {
		return []string{f.at(pos, "%s has no comment", name)}
	}
	text := doc.Text()
	for _, article := range []string{"", "A ", "An ", "The "} {
		if rest, ok := strings.CutPrefix(text, article+name); ok {
			if next, _ := utf8.DecodeRuneInString(rest); !unicode.IsLetter(next) && !unicode.IsDigit(next) {
				return nil
			}
		}
	}
	return []string{f.at(pos, "the comment on %s does not begin with its name", name)}
}

func TestPackageComments(t *testing.T) { clean(t, checkPackages(all(t))) }

func TestExportedComments(t *testing.T) { clean(t, checkExported(all(t))) }

func TestPackageCommentsCatches(t *testing.T) {
	catches(t, checkPackages([]file{
		fixture(t, "a/doc.go", "// Package a is good.\npackage a"),
		fixture(t, "a/more.go", "package a"),
		fixture(t, "b/b.go", "package b"),
		fixture(t, "c/c.go", "// Package c is elsewhere.\npackage c"),
		fixture(t, "d/doc.go", "// About d.\npackage d"),
		fixture(t, "e/doc.go", "// Package e has two.\npackage e"),
		fixture(t, "e/e.go", "// Package e has two.\npackage e"),
		fixture(t, "f/main.go", "// Command f is good.\npackage main\nfunc main() {}"),
		fixture(t, "g/doc.go", "// Command g is elsewhere.\npackage main"),
		fixture(t, "h/only_test.go", "package h"),
	}),
		"b: one package comment wanted, not in none",
		"c/c.go:1: a package's comment stands in doc.go",
		"d/doc.go:1: the comment does not begin with Package d",
		"e/e.go:1: a package's comment stands in doc.go", "e: one package comment wanted, not in e/doc.go, e/e.go",
		"g/doc.go:1: a command's comment",
	)
}

func TestExportedCommentsCatches(t *testing.T) {
	const text = `package a
func F() {}
// Gone is another word.
func Go() {}
// A T is good.
type T[P any] struct{}
// Error needs none, M one.
func (T[P]) Error() string { return "" }
func (*T[P]) M() {}
type hidden struct{}
func (hidden) M() {}
// A group.
const (
	A = 1
	B = 2
)
var (
	C = 1 // why
	D = 2
)
// That is all.
var E = 1
type (
	U int
)
`
	catches(t, checkExported([]file{
		fixture(t, "a/a.go", text), fixture(t, "internal/a/a.go", text), fixture(t, "a/a_test.go", text),
	}),
		"a.go:2: F has no comment",
		"a.go:4: the comment on Go does not begin with its name",
		"a.go:9: M has no comment",
		"a.go:19: D has no comment",
		"a.go:22: the comment on E does not begin",
		"a.go:24: U has no comment",
	)
}
