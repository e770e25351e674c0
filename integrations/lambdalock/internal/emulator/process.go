package emulator

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is the function's process, which exists from the first invocation
// on. Linux only.
func (e *Emulator) Process() (*os.Process, error) {
	switch ps := e.processes(); len(ps) {
	case 0:
		return nil, errors.New("emulator: the function does not run")
	case 1:
		return ps[0], nil
	default:
		return nil, fmt.Errorf("emulator: the function runs %d times", len(ps))
	}
}

// processes are the emulator's children that run the function.
func (e *Emulator) processes() (found []*os.Process) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil || parent(stat) != e.cmd.Process.Pid {
			continue
		}
		if exe, err := os.Readlink(filepath.Join(filepath.Dir(stat), "exe")); err != nil || exe != e.function {
			continue
		}
		if p, err := os.FindProcess(pid); err == nil {
			found = append(found, p)
		}
	}
	return found
}

// parent reads the fourth field, which comes two after the name's last bracket.
func parent(stat string) int {
	text, err := os.ReadFile(stat)
	if err != nil {
		return 0 // it ended
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[1])
	return pid
}
