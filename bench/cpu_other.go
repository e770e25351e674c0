//go:build !unix

package main

import "errors"

func cpuSeconds() (float64, error) {
	return 0, errors.New("this system's CPU time of a process is not read here")
}
