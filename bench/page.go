package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// names of the contenders, as readers know them.
var names = map[string]string{"queue": "dynalock", "polling": "dynalock, polling", "java": "awslabs Java"}

// charts gives what can be drawn of what was measured, by file name.
func (b *bench) charts() map[string]string {
	all := map[string]string{}
	order := []string{"queue", "polling", "java"}
	var rates, trips []bar
	var waits []span
	for _, name := range order {
		if c := b.crowd[name]; len(c) > 0 {
			v := median(c, func(c contest) float64 { return c.rate })
			rates = append(rates, bar{names[name], v, fmt.Sprintf("%.0f/s", v)})
			waits = append(waits, span{
				names[name], median(c, func(c contest) float64 { return ms(c.p50) }),
				median(c, func(c contest) float64 { return ms(c.p99) }),
			})
		}
		if c := b.far[name]; len(c) > 0 {
			v := median(c, func(c contest) float64 { return float64(c.handOver) / float64(b.trip) })
			trips = append(trips, bar{names[name], v, fmt.Sprintf("%.2f", v)})
		}
	}
	if rates != nil {
		all["crowd-rate.svg"] = bars("8 processes want one key, each holds it for 1 ms", "grants a second, more is better", rates, 0, "")
		all["crowd-wait.svg"] = spans("How long they wait", "ms from the call to the lock: median … 99th percentile; logarithmic, less is better", waits)
	}
	if trips != nil {
		all["handover.svg"] = bars("Hand-over at a table's distance, 8 processes, held 20 ms",
			fmt.Sprintf("round trips of %.2f ms, from Release to the next holder, median; less is better", ms(b.trip)), trips, 2.5, "wanted: 2.5")
	}
	if b.held != nil {
		var steps []string
		for _, n := range heldSizes {
			steps = append(steps, fmt.Sprint(n))
		}
		var lines []curve
		for k, name := range []string{"queue", "java"} {
			if k < len(b.held) {
				c := curve{name: names[name], colour: 2 * k} // the same as in the other charts
				for _, h := range b.held[k] {
					c.values = append(c.values, h.rate)
				}
				lines = append(lines, c)
			}
		}
		all["held.svg"] = curves("What it costs to hold locks", "writes a second over locks held by one client, lease 20 s; logarithmic, less is better", steps, lines)
	}
	return all
}

// writePage writes benchmarks.md and its charts into that folder.
func (b *bench) writePage(folder string) error {
	charts := filepath.Join(folder, "benchmarks")
	if err := os.MkdirAll(charts, 0o755); err != nil {
		return err
	}
	var errs []error
	for name, text := range b.charts() {
		errs = append(errs, os.WriteFile(filepath.Join(charts, name), []byte(text), 0o644))
	}
	return errors.Join(append(errs, os.WriteFile(filepath.Join(folder, "benchmarks.md"), []byte(b.page()), 0o644))...)
}

func (b *bench) page() string {
	var p strings.Builder
	p.WriteString("# Benchmarks\n\nWritten by `make bench`; do not edit. ")
	if b.quick {
		p.WriteString("**A quick run: it shows that every row works, its figures mean nothing.** ")
	}
	fmt.Fprintf(&p, "To repeat: `make bench`, which needs Go, npm (it brings the engine), a JDK and Maven\n(they bring the Java client; `go run ./bench -java=false` does without). It takes about ten minutes.\n\n")
	fmt.Fprintf(&p, "| | |\n| --- | --- |\n| date | %s |\n| machine | %s |\n| load average before each row | %s; at the end %s |\n| Go | %s |\n| engine | dynoxide %s, in memory |\n| Java client | %s |\n\n",
		time.Now().UTC().Format(time.DateOnly), machine(), strings.Join(b.loads, "; "), load(), runtime.Version(), enginetest.Version, b.javaNote())
	p.WriteString("All of it is one run on one machine: engine, proxy, and every process share its CPUs, so ratios say more than times. Runs\nthat are compared took turns; figures are medians of them. \"Beside\" is what the row is measured against.\n\n")
	if missed := b.missed(); len(missed) > 0 {
		p.WriteString("**Missed in this run:**\n\n")
		for _, f := range missed {
			fmt.Fprintf(&p, "- %s: %s, wanted %s\n", f.work, f.got, f.wanted)
		}
		p.WriteString("\n")
	}
	p.WriteString("## Figures\n\n| work | dynalock | wanted | | beside | ratio | awslabs Java | ratio |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range b.figures {
		fmt.Fprintf(&p, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", f.work, f.got, f.wanted, f.verdict(), f.beside, f.ratio, f.java, f.javaRatio)
	}
	p.WriteString(pageCharts + pageNotes)
	return p.String()
}

const pageCharts = `
## Charts

![8 processes: grants a second](benchmarks/crowd-rate.svg)

![8 processes: time to wait](benchmarks/crowd-wait.svg)

![Hand-over in round trips](benchmarks/handover.svg)

![Writes a second for locks that are held](benchmarks/held.svg)
`

const pageNotes = `
## How it is measured

- Requests are counted by a proxy between the processes and the engine. Writes are UpdateItem, PutItem and DeleteItem, also
  those that were refused; a read is consistent or not as its request says.
- The floor is the bare SDK: the same two UpdateItem calls that an acquire and a release send. Polling is this library with
  its queue, its line within a process and its sessions switched off; it barges: whoever comes first gets the lock.
- 8 processes: each acquires (KeepAlive, Wait), holds, releases, and starts over at once. A second passes before it is
  measured. Jain's index is 1 where all 8 got the same share of any 80 grants in a row, and 1/8 where one got all.
  Next to the table polling makes more grants because it serves one process, which finds free what it has just released:
  see its index, and its 99th percentile. In the queue each grant goes to another process, which first has to read of it.
- The round trip is measured through the same proxy while nothing else runs: the delay, the proxy, the engine.
- The Java client has its own defaults (a released lock is deleted; heartbeats every quarter of the lease), save that its
  waiters look every 50 ms, as this library's do at first, and not every second. It gets five more seconds to become
  fast. Its consistent reads cost twice what this library's others do.
- Killed holders have a lease of 5 s. A fresh process asks 8.2 s after the kill, when both ends of the store's clock agree
  that the lease is over; the Java client then waits another lease by itself, because it has only its own clock.
- 200 waiters: what they send to begin with is one try and one place in the queue for each process. "Served in order" is
  the order in which they came within a process; processes take turns, each with a batch.
`

func (b *bench) javaNote() string {
	if b.java == nil {
		return "not measured: run without it"
	}
	return "com.amazonaws:dynamodb-lock-client " + javaVersion + ", " + b.java.version
}

// machine says what this was measured on.
func machine() string {
	cpu := "CPU not known"
	text, err := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); err == nil && ok && strings.TrimSpace(name) == "model name" {
			cpu = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%d CPUs, %s, %s/%s", runtime.NumCPU(), cpu, runtime.GOOS, runtime.GOARCH)
}
