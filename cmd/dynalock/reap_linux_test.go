package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestReapsOrphans: as PID 1 of a container, or any process that gets orphans,
// run leaves no zombies of them.
func TestReapsOrphans(t *testing.T) {
	t.Parallel()
	p := places(t)[0]
	pr := p.begin(t, "testchild", "subreaper", "dynalock", "run", "k", "--", "sh", "-c",
		// Grandchildren whose parent ends before them.
		`for n in 1 2 3; do sh -c 'sleep 2 & exit 0'; done; exec sleep 90`)
	seen := false
	eventually(t, "the orphans have come and gone", 40*time.Second, func() bool {
		n := childrenOf(pr.cmd.Process.Pid)
		seen = seen || n > 1
		return seen && n == 1 // the command alone: a zombie would count
	})
}

// childrenOf counts the processes whose parent is pid, zombies too.
func childrenOf(pid int) int {
	entries, _ := os.ReadDir("/proc")
	n := 0
	for _, e := range entries {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			n++
		}
	}
	return n
}
