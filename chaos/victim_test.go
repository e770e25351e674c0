package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kmdeveloping/dynalock/chaos/history"
)

// victimVariable makes this binary one that starts a worker and hangs.
const victimVariable = "CHAOS_VICTIM"

// victim prints the worker's process id.
func victim() error {
	dir := os.Getenv(victimVariable)
	r := &round{plan: &plan{}, dir: dir}
	log, err := history.NewLog(filepath.Join(dir, "director.jsonl"), "", "")
	if err != nil {
		return err
	}
	r.log = log
	s := &slot{r: r, job: job{
		Owner: "w0", Until: history.Now() + int64(5*time.Minute), Path: filepath.Join(dir, "locks.db"),
		Keys: []string{"k"}, Goroutines: 1, Registers: "http://127.0.0.1:1",
	}}
	if err := s.start(); err != nil {
		return err
	}
	fmt.Println(s.cmd.Process.Pid)
	return errors.Join(<-s.ended, errors.New("the worker ended"))
}
