//go:build cross

// These compile everything anew for other systems, which takes minutes where
// nothing is cached: CI runs them on their own.
//
//	go test -tags cross -run 'TestBuildsEverywhere|TestBinarySize' ./cmd/dynalock

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildsEverywhere compiles for the systems that the command is for.
func TestBuildsEverywhere(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"linux/arm64", "darwin/arm64", "windows/amd64", "freebsd/amd64"} {
		system, arch, _ := strings.Cut(target, "/")
		build := exec.Command("go", "build", "-o", os.DevNull, ".")
		build.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", target, err, out)
		}
	}
}

const maxBinary = 25_000_000

// TestBinarySize builds the command as a release does.
func TestBinarySize(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "dynalock")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBinary {
		t.Errorf("the stripped binary has %d bytes, more than %d", info.Size(), maxBinary)
	}
}
