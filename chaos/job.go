package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// workerCommand makes this program one of the processes of a round.
const workerCommand = "worker"

// A job is what a worker does: the second argument of the worker command.
type job struct {
	Owner      string `json:"owner"`
	Generation int    `json:"generation"` // from 1; higher: the one before was killed
	Seed       uint64 `json:"seed"`
	Log        string `json:"log"`
	Until      int64  `json:"until"` // history.Now at its end

	URL       string `json:"url,omitempty"` // of the worker's own way to the engine
	Table     string `json:"table,omitempty"`
	Items     string `json:"items,omitempty"` // the table of registers
	Path      string `json:"path,omitempty"`  // of the SQLite file, in place of URL and tables
	Registers string `json:"registers"`       // URL of the registers that the parent serves

	Keys       []string `json:"keys"`
	Deleting   string   `json:"deleting"` // the key whose locks are deleted on release
	Goroutines int      `json:"goroutines"`
	Faults     float64  `json:"faults"`           // share of requests that meet one, on SQLite
	Named      bool     `json:"named"`            // uses named exceptions
	Broken     string   `json:"broken,omitempty"` // how the store is broken, in tests
}

// process is the worker's name in logs.
func (j *job) process() string { return fmt.Sprintf("%s.%d", j.Owner, j.Generation) }

// parseJob reports whether this process is a worker, and what its job is.
func parseJob(args []string) (j job, yes bool, err error) {
	if len(args) != 3 || args[1] != workerCommand {
		return j, false, nil
	}
	return j, true, json.Unmarshal([]byte(args[2]), &j)
}

// Leases are short, so that much happens in a round. Sessions are by lease: few
// different ones.
var (
	liveLeases    = []time.Duration{time.Second, 1500 * time.Millisecond, 3 * time.Second}
	durableLeases = []time.Duration{time.Second, time.Second, 2 * time.Second, 5 * time.Second}
)

// longestLease is the most that a round has to wait for.
const longestLease = 5 * time.Second
