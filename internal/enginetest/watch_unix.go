//go:build unix

package enginetest

import "os/exec"

const watchedByPipe = true

// Watched gives a command that becomes the engine and ends when its standard
// input is closed. The kernel closes our end of that pipe however we die, so
// no engine outlives its test binary. Pdeathsig would be Linux only and, being
// tied to the thread that forked, would need a goroutine that holds its thread
// as long as the engine lives.
//
// exec keeps the process id, so $$ names the engine for the watcher too.
func Watched(binary string, args []string) *exec.Cmd {
	const script = `exec 3<&0; (cat <&3 >/dev/null 2>&1; kill -KILL $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-`
	return exec.Command("/bin/sh", append([]string{"-c", script, "sh", binary}, args...)...)
}
