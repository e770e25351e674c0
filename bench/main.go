// Bench measures dynalock on a local DynamoDB engine, against the bare SDK, a
// mutex, itself without its queue, and the awslabs Java client: make bench. It
// prints a table, writes it to docs/benchmarks.md with charts, and fails where a
// figure that is promised was missed. Ratios are of runs that took turns on one
// machine; absolute times on a shared machine say little.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	if text, yes := isWorker(os.Args); yes {
		if err := work(text); err != nil {
			fmt.Fprintln(os.Stderr, "bench worker:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.only, "only", "", "the one row to measure: "+strings.Join(rowNames(), ", "))
	flag.BoolVar(&o.quick, "quick", false, "seconds in place of minutes: shows that every row works, and no more")
	flag.BoolVar(&o.java, "java", true, "measure the awslabs Java client too; needs a JDK and Maven")
	flag.StringVar(&o.docs, "docs", "", "folder to write benchmarks.md and its charts to")
	flag.Parse()
	missed, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if missed > 0 {
		os.Exit(2)
	}
}
