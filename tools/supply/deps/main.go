// Command deps writes docs/dependencies.md, the modules that each module of this
// repository needs, with their licences; with -check it compares instead. It
// fails if a licence is not known, or is none of those that are allowed.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kmdeveloping/dynalock/tools/supply/internal/checkout"
)

const page = "docs/dependencies.md"

func main() {
	check := flag.Bool("check", false, "compare "+page+", and leave it as it is")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "deps:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	modules, err := checkout.Modules(root)
	if err != nil {
		return err
	}
	var lists []list
	for _, m := range modules {
		l, err := needs(root, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		lists = append(lists, l)
	}
	text := render(lists)
	name := filepath.Join(root, page)
	switch before, err := os.ReadFile(name); {
	case !check:
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	case err != nil:
		return err
	case !bytes.Equal(before, text):
		return fmt.Errorf("%s is not what the go.mod files say: run make deps, and look at what changed\n%s", page, differences(before, text))
	}
	return forbidden(lists)
}
