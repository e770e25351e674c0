package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// print writes the table and gives how many figures were not as wanted.
func (b *bench) print(to io.Writer) (missed int) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\tdynalock\twanted\t\tbeside\tratio\tawslabs Java\tratio")
	for _, f := range b.figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.work, f.got, f.wanted, f.verdict(), f.beside, f.ratio, f.java, f.javaRatio)
	}
	_ = w.Flush()
	for _, f := range b.figures {
		if f.wanted != "" && !f.met {
			missed++
			fmt.Fprintf(to, "MISSED: %s: %s, wanted %s\n", f.work, f.got, f.wanted)
		}
	}
	return missed
}

func (f figure) verdict() string {
	switch {
	case f.wanted == "":
		return ""
	case f.met:
		return "met"
	}
	return "MISSED"
}
