//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// testchild is what dynalock runs in tests. Its first argument says what it does.
func testchild() {
	arg := func(n int) string { return os.Args[n] }
	switch arg(1) {
	case "args": // one a line, quoted
		for _, a := range os.Args[2:] {
			fmt.Printf("%q\n", a)
		}
	case "exit":
		code, _ := strconv.Atoi(arg(2))
		os.Exit(code)
	case "trap": // FILE DELAY CODE: write the signal that comes, linger, exit
		trap(arg(2), arg(3), arg(4))
	case "tick": // FILE TIMES: write the time now and then; does not end by TERM
		signal.Ignore(syscall.SIGTERM)
		tick(arg(2), arg(3))
	case "family": // FILE: the same from a child of its own; ends by TERM itself
		c := exec.Command(os.Args[0], "tick", arg(2), "0")
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			panic(err)
		}
		select {}
	case "subreaper": // COMMAND ARG...: as PID 1 would, it gets orphans
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			panic(err)
		}
		path, err := exec.LookPath(arg(2))
		if err != nil {
			panic(err)
		}
		panic(syscall.Exec(path, os.Args[2:], os.Environ()))
	case "sleep":
		d, _ := time.ParseDuration(arg(2))
		time.Sleep(d) // real time: that is what it is for
	default:
		panic("testchild " + arg(1))
	}
}

func trap(file, delay, code string) {
	ch := make(chan os.Signal, 16)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	appendTo(file, "ready")
	sig := <-ch
	appendTo(file, unix.SignalName(sig.(syscall.Signal)))
	d, _ := time.ParseDuration(delay)
	for end := time.After(d); ; {
		select {
		case sig := <-ch:
			appendTo(file, unix.SignalName(sig.(syscall.Signal)))
		case <-end:
			appendTo(file, "end")
			n, _ := strconv.Atoi(code)
			os.Exit(n)
		}
	}
}

func tick(file, times string) {
	n, _ := strconv.Atoi(times)
	for i := 0; n == 0 || i < n; i++ {
		appendTo(file, strconv.FormatInt(time.Now().UnixNano(), 10))
		time.Sleep(5 * time.Millisecond) // real time: between two ticks
	}
}

// appendTo writes one line at once, so that what is there is whole.
func appendTo(file, line string) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(line + "\n"); err != nil {
		panic(err)
	}
}
