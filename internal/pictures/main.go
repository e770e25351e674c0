// Pictures draws the pictures of the README and of docs: go run ./internal/pictures,
// from the root, or make pictures. A test compares the files with what it draws.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// folder is where the pictures are, from the root.
const folder = "docs/pictures"

// all gives the pictures by file name.
func all() map[string]string {
	return map[string]string{
		"lifetimes.svg": lifetimes(),
		"handover.svg":  handover(),
		"takeover.svg":  takeover(),
		"cost.svg":      cost(),
	}
}

func main() {
	if err := write(folder); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range all() {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
