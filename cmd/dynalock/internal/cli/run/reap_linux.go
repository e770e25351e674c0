package run

import (
	"bytes"
	"iter"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reapOrphans collects the exit status of processes whose parent has ended and
// that became ours, where they do: as PID 1 of a container, or as a subreaper.
// Nobody else would, and they would fill the process table. The function that
// it gives ends it.
func reapOrphans(command int) (stop func()) {
	if os.Getpid() != 1 && !subreaper() {
		return func() {}
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	done := make(chan struct{})
	go func() {
		for {
			reap(command)
			select {
			case <-ended:
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(ended); close(done) }
}

func subreaper() bool {
	var set int32
	_, _, errno := unix.Syscall6(unix.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&set)), 0, 0, 0, 0)
	return errno == 0 && set != 0
}

// reap collects our zombies, except the command and those of our own process
// group: what this process starts itself, such as a credential_process of the
// AWS SDK, is there, and its status is awaited elsewhere.
func reap(command int) {
	own := syscall.Getpgrp()
	for pid, p := range processes() {
		if p.zombie && p.parent == os.Getpid() && p.group != own && pid != command {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// onlyZombies reports whether all processes of the group have ended and only
// wait for their parents to look: a container's PID 1 may never.
func onlyZombies(group int) bool {
	for _, p := range processes() {
		if p.group == group && !p.zombie {
			return false
		}
	}
	return true
}

// processes gives those that can be seen.
func processes() iter.Seq2[int, procStat] {
	return func(yield func(int, procStat) bool) {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			if p, ok := readStat(pid); ok && !yield(pid, p) {
				return
			}
		}
	}
}

type procStat struct {
	zombie        bool
	parent, group int
}

// readStat reads proc(5)'s stat: "pid (name) state ppid pgrp ...", where the
// name may hold anything, parentheses too.
func readStat(pid int) (procStat, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	end := bytes.LastIndexByte(text, ')')
	if err != nil || end < 0 {
		return procStat{}, false
	}
	fields := bytes.Fields(text[end+1:])
	if len(fields) < 3 {
		return procStat{}, false
	}
	parent, err1 := strconv.Atoi(string(fields[1]))
	group, err2 := strconv.Atoi(string(fields[2]))
	return procStat{string(fields[0]) == "Z", parent, group}, err1 == nil && err2 == nil
}
