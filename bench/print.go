package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// print writes the table, and what was missed.
func (b *bench) print(to io.Writer) {
	fmt.Fprintf(to, "%s, load average %s before, %s after; Java client: %s\n\n", machine(), b.before, load(), b.javaNote())
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\tdynalock\twanted\t\tbeside\tratio\tawslabs Java\tratio")
	for _, f := range b.figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.work, f.got, f.wanted, f.verdict(), f.beside, f.ratio, f.java, f.javaRatio)
	}
	_ = w.Flush()
	for _, f := range b.missed() {
		fmt.Fprintf(to, "MISSED: %s: %s, wanted %s\n", f.work, f.got, f.wanted)
	}
}

// missed are the figures that are not as wanted.
func (b *bench) missed() (all []figure) {
	for _, f := range b.figures {
		if f.wanted != "" && !f.met {
			all = append(all, f)
		}
	}
	return all
}

func (f figure) verdict() string {
	switch {
	case f.wanted == "":
		return ""
	case f.met:
		return "met"
	}
	return "**missed**"
}
