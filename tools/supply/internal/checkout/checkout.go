package checkout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Module is one of this repository.
type Module struct {
	Dir     string // from the root, with slashes
	Path    string
	Product bool // released; the others test, measure and build
	Pins    bool // it pins other people's commands, and has no code
}

// product reports whether that folder is released, and no example.
func product(dir string) bool {
	return dir == "." || dir == "sqlitestore" || dir == "cmd/dynalock" ||
		strings.HasPrefix(dir, "integrations/") && !strings.Contains(dir, "/examples/")
}

// Root is the repository's root: the folder above that has the go.work.
func Root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.work")); e == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no folder above has a go.work")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// Modules gives those of go.work and the tools', in the order of their folders.
func Modules(root string) ([]Module, error) {
	var work struct{ Use []struct{ DiskPath string } }
	out, err := Go(root, "work", "edit", "-json", filepath.Join(root, "go.work"))
	if err == nil {
		err = json.Unmarshal(out, &work)
	}
	if err != nil {
		return nil, fmt.Errorf("go.work: %w", err)
	}
	dirs := []string{"tools", "tools/supply"}
	for _, use := range work.Use {
		dirs = append(dirs, path.Clean(use.DiskPath))
	}
	slices.Sort(dirs)
	var modules []Module
	for _, dir := range dirs {
		name, err := Go(filepath.Join(root, dir), "list", "-m")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		modules = append(modules, Module{
			Dir: dir, Path: strings.TrimSpace(string(name)), Product: product(dir), Pins: dir == "tools",
		})
	}
	return modules, nil
}

// Go runs the go command in that folder for its module alone, and gives what
// it printed. env has further variables.
func Go(dir string, args ...string) ([]byte, error) { return GoWith(nil, dir, args...) }

// GoWith is Go with further environment variables.
func GoWith(env []string, dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	return out.Bytes(), nil
}
