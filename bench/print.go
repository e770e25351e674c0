package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// print writes the table, and what was missed.
func (b *bench) print(to io.Writer) {
	fmt.Fprintf(to, "%s, Java client: %s\nload average before each row: %s; at the end %s\n\n", machine(), b.javaNote(), strings.Join(b.loads, "; "), load())
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
