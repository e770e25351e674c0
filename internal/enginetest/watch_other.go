//go:build !unix

package enginetest

import "os/exec"

const watchedByPipe = false

// Watched has no watcher here: the engine ends with Stop, and outlives a
// process that is killed before it gets there.
func Watched(binary string, args []string) *exec.Cmd { return exec.Command(binary, args...) }
