// Spec checks the TLA+ models of this folder with TLC: each configuration of
// the protocol must hold, and each variant that goes without one of its rules
// must be caught. See README.md.
//
//	go run ./spec [-short] [-only Lock/RenewSeq] [-keep DIR]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	short := flag.Bool("short", false, "only what is marked short in checks.txt: seconds, for CI")
	only := flag.String("only", "", "run the checks whose name contains this")
	keep := flag.String("keep", "", "leave the configurations and TLC's output in this folder")
	limit := flag.Duration("limit", 10*time.Minute, "end a check that takes longer, as failed")
	flag.Parse()
	failed, err := run(*short, *only, *keep, *limit)
	if err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		os.Exit(1)
	}
	if failed > 0 {
		fmt.Fprintf(os.Stderr, "spec: %d checks did not end as they must\n", failed)
		os.Exit(1)
	}
}

// run makes all checks and counts those that failed.
func run(short bool, only, keep string, limit time.Duration) (failed int, err error) {
	dir, err := folder()
	if err != nil {
		return 0, err
	}
	checks, err := readChecks(filepath.Join(dir, "checks.txt"))
	if err != nil {
		return 0, err
	}
	java, err := findJava()
	if err != nil {
		return 0, err
	}
	jar, err := findJar()
	if err != nil {
		return 0, err
	}
	out, err := outFolder(keep)
	if err != nil {
		return 0, err
	}
	if keep == "" {
		defer os.RemoveAll(out)
	}
	fmt.Printf("%-36s %10s %8s  %s\n", "check", "states", "seconds", "result")
	ran := 0
	for _, c := range checks {
		if short && !c.short || !strings.Contains(c.name, only) {
			continue
		}
		ran++
		tlc := tlc{java: java, jar: jar, dir: dir, out: out, limit: limit}
		r, err := tlc.check(c)
		if err != nil {
			return failed, fmt.Errorf("%s: %w", c.name, err)
		}
		verdict := r.verdict(c)
		if verdict != "" {
			failed++
			verdict = "  FAILED: " + verdict
		}
		fmt.Printf("%-36s %10s %8.1f  %s%s\n", c.name, r.states, r.took.Seconds(), r.found, verdict)
	}
	if ran == 0 {
		return 0, fmt.Errorf("no check matches")
	}
	return failed, nil
}

// folder is the one of the models: ./spec of the checkout, or the current one.
func folder() (string, error) {
	for _, dir := range []string{"spec", "."} {
		if _, err := os.Stat(filepath.Join(dir, "checks.txt")); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", fmt.Errorf("no spec/checks.txt here; run it in the checkout's root")
}

func outFolder(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "dynalock-spec-*")
	}
	dir, err := filepath.Abs(keep)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}
