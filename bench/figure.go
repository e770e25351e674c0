package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// A figure is a row of the table.
type figure struct {
	work, got string
	wanted    string // empty: nothing is promised of it
	met       bool
	beside    string // what it is measured against: polling, the bare SDK, a mutex
	ratio     string // ours to that
	java      string // of the awslabs Java client
	javaRatio string // ours to that
}

// against compares a figure of several runs with polling's and the Java
// client's, by their medians.
func against[T any](work, format string, of func(T) float64, ours, polling, java []T, wanted string, met bool) figure {
	f := figure{work: work, got: shown(format, median(ours, of)), wanted: wanted, met: met}
	if len(polling) > 0 {
		f.beside = "polling " + shown(format, median(polling, of))
		f.ratio = ratio(median(ours, of), median(polling, of))
	}
	if len(java) > 0 {
		f.java = shown(format, median(java, of))
		f.javaRatio = ratio(median(ours, of), median(java, of))
	}
	return f
}

// shown is a number in the table; NaN: there was too little to tell from.
func shown(format string, v float64) string {
	if math.IsNaN(v) {
		return "too few"
	}
	return fmt.Sprintf(format, v)
}

func ratio(ours, theirs float64) string {
	if theirs == 0 || math.IsNaN(theirs) || math.IsNaN(ours) {
		return ""
	}
	if r := ours / theirs; r < 0.1 {
		return fmt.Sprintf("%.2g", r)
	}
	return fmt.Sprintf("%.2f", ours/theirs)
}

func median[T any](runs []T, of func(T) float64) float64 {
	all := make([]float64, 0, len(runs))
	for _, r := range runs {
		all = append(all, of(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func quantile(of []time.Duration, q float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
