package main

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// The processes of a round are this test binary.
func TestMain(m *testing.M) {
	breakStore = broken
	switch j, yes, err := parseJob(os.Args); {
	case yes:
		if err == nil {
			err = work(j)
		}
		exit(err)
	case os.Getenv(victimVariable) != "":
		exit(victim())
	}
	code := enginetest.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "leak:", err)
		code = 1
	}
	os.Exit(code)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// broken makes a store of which two processes can hold a lock.
func broken(j job, s *faultstore.Store) lockstore.Store {
	switch {
	case j.Broken == brokenSteals:
		return &thief{s}
	case j.Broken == brokenEarly && j.Owner == "w0":
		s.On(faultstore.Match{}, faultstore.Skew(early))
	}
	return s
}
