// Command vuln looks for known vulnerabilities in what the modules of this
// repository are built with, by govulncheck, and compares them with known.txt:
// a finding that is not there fails it, and so does a line of known.txt that
// is not found any more. It needs no other server than the Go module proxy.
package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/vuln/scan"

	"github.com/kmdeveloping/dynalock/tools/supply/internal/checkout"
)

// The Go vulnerability database as a module, and its sum as go.sum would have
// it. A newer one is a change of these two lines; what it finds is then new here
// too, and nothing that anybody else does makes a build of an old commit fail.
const (
	database    = "golang.org/x/vulndb@v0.0.0-20261105234957-e22db6528018"
	databaseSum = "h1:mfngRv0Yoh0VApsXKEN82CjD99kl7mtparN3bs3JnqI="
)

//go:embed known.txt
var knownText string

func main() {
	problems, err := run(os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vuln:", err)
		os.Exit(1)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func run(out io.Writer) ([]string, error) {
	known, err := parseKnown(knownText)
	if err != nil {
		return nil, err
	}
	root, err := checkout.Root()
	if err != nil {
		return nil, err
	}
	modules, err := checkout.Modules(root)
	if err != nil {
		return nil, err
	}
	db, err := fetch(root)
	if err != nil {
		return nil, err
	}
	all := findings{}
	for _, m := range modules {
		one := findings{}
		if err := look(one, db, filepath.Join(root, m.Dir), m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		fmt.Fprintf(out, "%s: %s\n", m.Path, one.count())
		all.merge(one)
	}
	version, err := checkout.Go(root, "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	return compare(known, all, strings.TrimSpace(string(version))), nil
}

// fetch gives the database's folder of reports, out of the module cache or by
// the proxy. govulncheck takes such a folder as it is and makes the index
// itself, which its documentation does not mention: see newHybridSource in
// internal/client/source.go of version 1.9.0.
func fetch(root string) (string, error) {
	out, err := checkout.Go(root, "mod", "download", "-json", database)
	if err != nil {
		return "", err
	}
	var m struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", err
	}
	if m.Sum != databaseSum {
		return "", fmt.Errorf("%s has the sum %s, not %s", database, m.Sum, databaseSum)
	}
	return filepath.Join(m.Dir, "data", "osv"), nil
}

// look adds what govulncheck finds for one module. What products call is looked
// for in all detail, tests aside, whose calls endanger nobody; of the others it
// is which packages they import.
func look(found findings, db, dir string, m checkout.Module) error {
	where := url.URL{Scheme: "file", Path: filepath.ToSlash(db)}
	args := []string{"-C", dir, "-db", where.String(), "-format", "json"}
	switch {
	case m.Product:
		args = append(args, "./...")
	case m.Pins:
		args = append(args, "-scan", "package", "tool")
	default:
		args = append(args, "-scan", "package", "-test", "./...")
	}
	var out, errs bytes.Buffer
	cmd := scan.Command(context.Background(), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &out, &errs
	cmd.Env = append(os.Environ(), "GOWORK=off")
	err := cmd.Start()
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("govulncheck: %w\n%s", err, errs.Bytes())
	}
	return found.read(&out)
}

// A finding is one vulnerability of one version of a module.
type finding struct{ id, module, version string }

// Levels say how near a vulnerability comes: the module is needed, its
// vulnerable package is imported, the vulnerable function can be called.
var levels = []string{"needed", "imported", "called"}

type facts struct {
	level int
	fixed string // first version without it; "none": there is none
}

type findings map[finding]facts

// A message is what is read of a line of govulncheck's JSON.
type message struct {
	Config *struct {
		GoVersion string `json:"go_version"`
	}
	Finding *struct {
		OSV          string
		FixedVersion string `json:"fixed_version"`
		Trace        []struct{ Module, Version, Package, Function string }
	}
}

func (f findings) read(r io.Reader) error {
	scanned := false
	for d := json.NewDecoder(r); ; {
		var m message
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		scanned = scanned || m.Config != nil
		if m.Finding == nil {
			continue
		}
		if len(m.Finding.Trace) == 0 {
			return fmt.Errorf("%s has no trace", m.Finding.OSV)
		}
		at := m.Finding.Trace[0]
		level := 0
		switch {
		case at.Function != "":
			level = 2
		case at.Package != "":
			level = 1
		}
		f.add(finding{m.Finding.OSV, at.Module, goVersion(at.Module, at.Version)},
			facts{level, cmp.Or(goVersion(at.Module, m.Finding.FixedVersion), "none")})
	}
	if !scanned {
		return errors.New("govulncheck said nothing")
	}
	return nil
}

// goVersion writes the standard library's version as Go does.
func goVersion(module, version string) string {
	if module == "stdlib" && version != "" {
		return "go" + strings.TrimPrefix(version, "v")
	}
	return version
}

func (f findings) add(key finding, n facts) {
	if before, ok := f[key]; !ok || n.level > before.level {
		f[key] = n
	}
}

func (f findings) merge(other findings) {
	for key, n := range other {
		f.add(key, n)
	}
}

func (f findings) count() string {
	n := make([]int, len(levels))
	for _, one := range f {
		n[one.level]++
	}
	return fmt.Sprintf("%d called, %d imported, %d needed", n[2], n[1], n[0])
}

func (f findings) sorted() []finding {
	return slices.SortedFunc(maps.Keys(f), func(a, b finding) int {
		return cmp.Or(strings.Compare(a.module, b.module), strings.Compare(a.version, b.version), strings.Compare(a.id, b.id))
	})
}
