package guard

import (
	"encoding/json"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goVersion stands in every go.mod with its patch digit: without one, go adds
// it in some modules and not in others.
const goVersion = "1.26.0"

// toolsModule pins the linters, and a module below it looks at dependencies.
// Both stay outside go.work, so that what they need decides nothing about what
// the library is built with.
const toolsModule = "tools"

// A modFile is what go mod edit -json and go work edit -json say.
type modFile struct {
	Go      string
	Module  struct{ Path string }
	Require []struct{ Path, Version string }
	Replace []struct{ Old, New struct{ Path string } }
	Use     []struct{ DiskPath string }
}

// checkModules takes the go.mod files by their folders.
func checkModules(work modFile, mods map[string]modFile) (found []string) {
	bad := func(where, what string) { found = append(found, where+": "+what) }
	if work.Go != goVersion {
		bad("go.work", "go "+work.Go+", want "+goVersion)
	}
	if len(work.Replace) > 0 {
		bad("go.work", "replace belongs into the modules, which are also built alone")
	}
	for dir, m := range mods {
		where := path.Join(dir, "go.mod")
		if m.Go != goVersion {
			bad(where, "go "+m.Go+", want "+goVersion)
		}
		if want := path.Join(module, dir); m.Module.Path != want {
			bad(where, "module "+m.Module.Path+", want "+want)
		}
		used := slices.ContainsFunc(work.Use, func(u struct{ DiskPath string }) bool { return path.Clean(u.DiskPath) == dir })
		if used == inFolder(dir, toolsModule) {
			bad("go.work", "every module but "+toolsModule+" belongs here; wrong for "+dir)
		}
		if dir == "." && len(m.Replace) > 0 {
			bad(where, "the root replaces nothing: users would not get it")
		}
		for _, r := range m.Require {
			if why := checkSibling(dir, m, r.Path, r.Version); why != "" {
				bad(where, r.Path+": "+why)
			}
		}
	}
	slices.Sort(found)
	return found
}

// checkSibling looks at a requirement of a module of this repository.
func checkSibling(dir string, m modFile, required, version string) string {
	sibling, ok := strings.CutPrefix(required+"/", module+"/")
	switch {
	case !ok:
		return ""
	case dir == ".":
		return "the root requires no module of its own repository"
	case version != "v0.0.0": // a release
		return ""
	}
	for _, r := range m.Replace {
		if r.Old.Path == required && strings.HasPrefix(r.New.Path, "../") && path.Join(dir, r.New.Path) == path.Clean(sibling) {
			return ""
		}
	}
	return "v0.0.0 needs a replace with a relative path"
}

// edit asks go for the parts of a go.mod or go.work.
func edit(t *testing.T, kind, name string) (m modFile) {
	t.Helper()
	out, err := exec.Command("go", kind, "edit", "-json", filepath.Join(root(), filepath.FromSlash(name))).Output()
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

func TestModules(t *testing.T) {
	mods := map[string]modFile{}
	for _, f := range all(t) {
		if path.Base(f.path) == "go.mod" && !strings.Contains(f.path, "testdata/") {
			mods[f.dir()] = edit(t, "mod", f.path)
		}
	}
	if len(mods) < 3 {
		t.Fatalf("only %d modules", len(mods))
	}
	clean(t, checkModules(edit(t, "work", "go.work"), mods))
}

func TestModulesCatches(t *testing.T) {
	parse := func(text string) (m modFile) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	const m = `"Module": {"Path": "` + module
	const needs = `"Require": [{"Path": "` + module + `", "Version": "v0.0.0"}]`
	catches(t, checkModules(
		parse(`{"Go": "1.26", "Use": [{"DiskPath": "."}, {"DiskPath": "./tools"}, {"DiskPath": "./good"}, {"DiskPath": "./wrong"}],
			"Replace": [{}]}`),
		map[string]modFile{
			".":      parse(`{"Go": "1.26.0", ` + m + `"}, "Replace": [{}], "Require": [{"Path": "` + module + `/good", "Version": "v1.0.0"}]}`),
			"tools":  parse(`{"Go": "1.26.0", ` + m + `/tools"}}`),
			"good":   parse(`{"Go": "1.26.0", ` + m + `/good"}, ` + needs + `, "Replace": [{"Old": {"Path": "` + module + `"}, "New": {"Path": "../"}}]}`),
			"unused": parse(`{"Go": "1.27.0", ` + m + `/unused"}, ` + needs + `}`),
			"wrong":  parse(`{"Go": "1.26.0", ` + m + `/other"}, ` + needs + `, "Replace": [{"Old": {"Path": "` + module + `"}, "New": {"Path": "../tools"}}]}`),
		}),
		"go.mod: "+module+"/good: the root requires", "go.mod: the root replaces",
		"go.work: every module but tools belongs here; wrong for tools",
		"go.work: every module but tools belongs here; wrong for unused",
		"go.work: go 1.26, want", "go.work: replace",
		"unused/go.mod: "+module+": v0.0.0 needs", "unused/go.mod: go 1.27.0, want",
		"wrong/go.mod: "+module+": v0.0.0 needs", "wrong/go.mod: module "+module+"/other, want",
	)
}
