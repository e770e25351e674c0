// Startbench measures what dynalock adds to a command: from start to exit of
// "dynalock run k -- true" on SQLite, beside flock(1) running the same, one
// after the other in turn so that both see the same machine.
//
//	go run ./cmd/dynalock/internal/startbench [-runs 200] [-store dynamodb:TABLE]
//
// It exits with 1 if the median is over 1.5 times flock's plus 25 ms.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

const (
	factor = 1.5
	extra  = 25 * time.Millisecond
)

func main() {
	runs := flag.Int("runs", 200, "runs of each")
	store := flag.String("store", "", "another store than a new SQLite file")
	flag.Parse()
	ok, err := measure(*runs, *store)
	if err != nil {
		fmt.Fprintln(os.Stderr, "startbench:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(1)
	}
}

func measure(runs int, store string) (bool, error) {
	dir, err := os.MkdirTemp("", "startbench-*")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "dynalock")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "github.com/kmdeveloping/dynalock/cmd/dynalock")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return false, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return false, err
	}
	if store == "" {
		store = "sqlite:" + filepath.Join(dir, "locks.db")
	}
	commands := [][]string{
		{"flock", filepath.Join(dir, "flock"), "true"},
		{binary, "run", "--store", store, "k", "--", "true"},
	}
	took := make([][]time.Duration, len(commands))
	for n := range runs + 3 {
		for i, c := range commands {
			began := time.Now()
			if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
				return false, fmt.Errorf("%v: %w: %s", c, err, out)
			}
			if n >= 3 { // the first ones read files that the others find in memory
				took[i] = append(took[i], time.Since(began))
			}
		}
	}
	fmt.Printf("%s/%s, %d CPUs, %s, %d runs in turn; dynalock stripped: %.1f MB\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), runs, float64(info.Size())/1e6)
	for i, name := range []string{"flock", "dynalock"} {
		slices.Sort(took[i])
		fmt.Printf("%-9s median %v, p90 %v\n", name, took[i][runs/2].Round(10*time.Microsecond), took[i][runs*9/10].Round(10*time.Microsecond))
	}
	limit := time.Duration(factor*float64(took[0][runs/2])) + extra
	fmt.Printf("limit: %v\n", limit.Round(10*time.Microsecond))
	return took[1][runs/2] <= limit, nil
}
