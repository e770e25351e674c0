package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A tlc runs TLC.
type tlc struct {
	java, jar string
	dir, out  string // of the models; of what is written
	limit     time.Duration
}

// A result is what TLC said.
type result struct {
	states string // distinct ones
	took   time.Duration
	found  string // "holds", or the name of what is violated
	output string // its file
}

// verdict says why the check failed; empty: it ended as it must.
func (r result) verdict(c check) string {
	want := c.wants
	if want == "" {
		want = "holds"
	}
	if r.found == want {
		return ""
	}
	return "want " + want
}

var (
	distinct  = regexp.MustCompile(`([\d,]+) distinct states found`)
	invariant = regexp.MustCompile(`Invariant (\w+) is violated`)
	property  = regexp.MustCompile(`Action property (?:line .* of module (\w+)|(\w+)) is violated`)
)

// check runs TLC on one configuration.
func (t tlc) check(c check) (result, error) {
	config, err := c.config(t.dir)
	if err != nil {
		return result{}, err
	}
	base := filepath.Join(t.out, strings.ReplaceAll(c.name, "/", "-"))
	if err := os.WriteFile(base+".cfg", []byte(config), 0o644); err != nil {
		return result{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.limit)
	defer cancel()
	states := base + ".states"
	defer os.RemoveAll(states)
	args := []string{"-XX:+UseParallelGC", "-Xmx4g"}
	if c.short { // most of its time is the start of Java
		args = append(args, "-XX:TieredStopAtLevel=1")
	}
	args = append(args, "-cp", t.jar, "tlc2.TLC",
		"-workers", "2", "-metadir", states, "-config", base+".cfg", c.model()+".tla")
	cmd := exec.CommandContext(ctx, t.java, args...)
	cmd.Dir = t.dir
	began := time.Now()
	text, runErr := cmd.CombinedOutput()
	r := result{took: time.Since(began), output: base + ".out", states: "?"}
	if err := os.WriteFile(r.output, text, 0o644); err != nil {
		return r, err
	}
	if all := distinct.FindAllSubmatch(text, -1); all != nil {
		r.states = string(all[len(all)-1][1])
	}
	r.found, err = found(string(text), ctx.Err(), runErr)
	return r, err
}

// found tells from TLC's output what it found.
func found(text string, limit, err error) (string, error) {
	switch {
	case limit != nil:
		return "no end within the limit", nil
	case invariant.MatchString(text):
		return invariant.FindStringSubmatch(text)[1], nil
	case strings.Contains(text, "Temporal properties were violated"):
		return "Liveness", nil
	case property.MatchString(text):
		m := property.FindStringSubmatch(text)
		return m[1] + m[2], nil
	case strings.Contains(text, "No error has been found"):
		return "holds", nil
	}
	return "", errors.Join(fmt.Errorf("TLC failed: %s", tail(text)), err)
}

func tail(text string) string {
	return text[max(0, len(text)-1500):]
}
