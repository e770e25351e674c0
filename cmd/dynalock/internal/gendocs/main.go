// Gendocs writes docs/cli.md from the command tree.
//
//	go run ./cmd/dynalock/internal/gendocs > docs/cli.md
package main

import (
	"fmt"
	"os"

	"github.com/kmdeveloping/dynalock/cmd/dynalock/internal/cli"
)

func main() {
	if err := cli.WriteDocs(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}
