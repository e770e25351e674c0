package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kmdeveloping/dynalock/tools/supply/internal/checkout"
)

// A list is what one module of this repository needs.
type list struct {
	checkout.Module
	deps []dependency
}

type dependency struct {
	path, version string
	shipped       bool // code of it is in what users build, on some system
	licences      []string
	text          string // a licence that is not known: where it stands
}

// systems are those for which the command is built.
var systems = []string{"linux", "darwin", "windows", "freebsd"}

// needs lists what the module's go.mod requires. A tidy go.mod has exactly the
// modules of which it, its tests or its tools import something, on any system.
func needs(root string, m checkout.Module) (list, error) {
	dir := filepath.Join(root, m.Dir)
	l := list{Module: m}
	out, err := checkout.Go(dir, "mod", "edit", "-json")
	if err != nil {
		return l, err
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return l, err
	}
	shipped, folders, err := packages(dir, m)
	if err != nil {
		return l, err
	}
	var names []string
	for _, r := range mod.Require {
		if r.Path != ours && !strings.HasPrefix(r.Path, ours+"/") {
			l.deps = append(l.deps, dependency{path: r.Path, version: r.Version, shipped: m.Product && shipped[r.Path]})
			names = append(names, r.Path+"@"+r.Version)
		}
	}
	at, err := download(dir, names)
	if err != nil {
		return l, err
	}
	for i := range l.deps {
		d := &l.deps[i]
		if d.licences, d.text, err = licences(at[d.path], folders[d.path]); err != nil {
			return l, fmt.Errorf("%s: %w", d.path, err)
		}
	}
	slices.SortFunc(l.deps, func(a, b dependency) int { return strings.Compare(a.path, b.path) })
	return l, nil
}

const ours = "github.com/kmdeveloping/dynalock"

// download gives the folders of modules in the module cache, by their paths.
func download(dir string, modules []string) (map[string]string, error) {
	at := map[string]string{}
	if len(modules) == 0 {
		return at, nil // go would take that for all
	}
	out, err := checkout.Go(dir, append([]string{"mod", "download", "-json"}, modules...)...)
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return at, nil
		} else if err != nil {
			return nil, err
		}
		at[m.Path] = m.Dir
	}
}

// packages gives the modules of which code is built in, tests aside, and, of
// all modules, the folders from their root that are used, tests included.
func packages(dir string, m checkout.Module) (shipped map[string]bool, folders map[string][]string, err error) {
	const format = "{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}\t{{.Dir}}"
	pattern := "./..."
	if m.Pins {
		pattern = "tool"
	}
	shipped, folders = map[string]bool{}, map[string][]string{}
	for _, system := range systems {
		for _, tests := range []bool{false, true} {
			out, err := checkout.GoWith([]string{"CGO_ENABLED=0", "GOARCH=amd64", "GOOS=" + system}, dir,
				"list", "-e", "-deps", fmt.Sprintf("-test=%v", tests), "-f", format, pattern)
			if err != nil {
				return nil, nil, err
			}
			for line := range strings.Lines(string(out)) {
				fields := strings.Split(strings.TrimSpace(line), "\t")
				if len(fields) != 3 {
					continue // the standard library's
				}
				shipped[fields[0]] = shipped[fields[0]] || !tests
				if rel, err := filepath.Rel(fields[1], fields[2]); err == nil {
					folders[fields[0]] = append(folders[fields[0]], filepath.ToSlash(rel))
				}
			}
		}
	}
	return shipped, folders, nil
}

// above gives each folder and all between it and the module's root.
func above(folders []string) []string {
	all := []string{"."}
	for _, dir := range folders {
		for ; dir != "."; dir = path.Dir(dir) {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
