package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The charts are drawn here, without a library: a few bars and lines, in
// colours that can be read on a light page and on a dark one.

const (
	chartWidth = 720
	chartLeft  = 190 // of what is drawn; the names stand before it
	chartRight = 90  // for the numbers after it
	barHeight  = 22
	chartTop   = 64
)

const chartStyle = `<style>
text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}.small{font-size:12px;fill:#59636e}
.grid{stroke:#d1d9e0}.limit{stroke:#cf222e;stroke-dasharray:5 4;stroke-width:1.5}.limitText{fill:#cf222e;font-size:12px}
.f0{fill:#0969da}.f1{fill:#8250df}.f2{fill:#bc4c00}.s0{stroke:#0969da}.s1{stroke:#8250df}.s2{stroke:#bc4c00}.line{fill:none;stroke-width:2.5}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.small{fill:#9198a1}.grid{stroke:#3d444d}.limit{stroke:#f85149}.limitText{fill:#f85149}
.f0{fill:#4493f8}.f1{fill:#ab7df8}.f2{fill:#db6d28}.s0{stroke:#4493f8}.s1{stroke:#ab7df8}.s2{stroke:#db6d28}}
</style>
`

// A drawing is an SVG in the making.
type drawing struct {
	strings.Builder
	height int
}

func newDrawing(title, unit string, height int) *drawing {
	d := &drawing{height: height}
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n%s", chartWidth, height, html.EscapeString(title), chartStyle)
	d.text(0, 18, "title", "start", title)
	d.text(0, 38, "small", "start", unit)
	return d
}

func (d *drawing) text(x, y float64, class, anchor, text string) {
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, html.EscapeString(text))
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(d, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

func (d *drawing) dot(x, y float64, class string) {
	fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="5" class="%s"/>`+"\n", x, y, class)
}

func (d *drawing) end() string {
	d.WriteString("</svg>\n")
	return d.String()
}

// A bar is one of a chart; its number stands at the right edge.
type bar struct {
	name  string
	value float64
	text  string
}

// bars draws bars from 0. limit 0: there is none.
func bars(title, unit string, all []bar, limit float64, limitText string) string {
	d := newDrawing(title, unit, chartTop+len(all)*(barHeight+10)+24)
	most := limit
	for _, b := range all {
		most = max(most, b.value)
	}
	x := func(v float64) float64 { return chartLeft + v/most*(chartWidth-chartLeft-chartRight) }
	bottom := float64(d.height - 20)
	d.line(chartLeft, chartTop-8, chartLeft, bottom, "grid")
	for i, b := range all {
		y := float64(chartTop + i*(barHeight+10))
		d.text(chartLeft-8, y+16, "", "end", b.name)
		fmt.Fprintf(d, `<rect x="%d" y="%.1f" width="%.1f" height="%d" rx="2" class="f%d"/>`+"\n", chartLeft, y, max(x(b.value)-chartLeft, 1), barHeight, i)
		d.text(chartWidth-4, y+16, "", "end", b.text)
	}
	if limit > 0 {
		d.line(x(limit), chartTop-8, x(limit), bottom, "limit")
		d.text(x(limit), bottom+14, "limitText", "middle", limitText)
	}
	return d.end()
}

// A span reaches from one number to another.
type span struct {
	name     string
	from, to float64
}

// spans draws each from its lower number to its upper one, on a logarithmic
// scale.
func spans(title, unit string, all []span) string {
	d := newDrawing(title, unit, chartTop+len(all)*(barHeight+14)+30)
	low, high := math.Inf(1), 0.0
	for _, s := range all {
		low, high = min(low, s.from), max(high, s.to)
	}
	first, last := decades(low, high)
	x := func(v float64) float64 {
		return chartLeft + (math.Log10(v)-first)/(last-first)*(chartWidth-chartLeft-chartRight)
	}
	bottom := float64(d.height - 26)
	for e := first; e <= last; e++ {
		d.line(x(math.Pow(10, e)), chartTop-8, x(math.Pow(10, e)), bottom, "grid")
		d.text(x(math.Pow(10, e)), bottom+16, "small", "middle", short(math.Pow(10, e)))
	}
	for i, s := range all {
		y := float64(chartTop + i*(barHeight+14) + 10)
		d.text(chartLeft-8, y+5, "", "end", s.name)
		d.line(x(s.from), y, x(s.to), y, fmt.Sprintf("line s%d", i))
		d.dot(x(s.from), y, fmt.Sprintf("f%d", i))
		d.dot(x(s.to), y, fmt.Sprintf("f%d", i))
		d.text(x(s.to)+10, y+5, "small", "start", short(s.from)+" … "+short(s.to))
	}
	return d.end()
}

// A curve has a value for each of a chart's steps.
type curve struct {
	name   string
	colour int // of the style's
	values []float64
}

// curves draws values over steps, on a logarithmic scale. Zeros stand on its
// lowest line.
func curves(title, unit string, steps []string, all []curve) string {
	const height, left, right = 360, 70, 150
	d := newDrawing(title, unit, height)
	low, high := math.Inf(1), 0.0
	for _, c := range all {
		for _, v := range c.values {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	first, last := decades(low, high)
	y := func(v float64) float64 {
		at := first
		if v > 0 {
			at = math.Log10(v)
		}
		return height - 40 - (at-first)/(last-first)*(height-40-chartTop)
	}
	x := func(i int) float64 {
		return left + (float64(i)+0.5)*(chartWidth-left-right)/float64(len(steps))
	}
	for e := first; e <= last; e++ {
		v := math.Pow(10, e)
		d.line(left, y(v), chartWidth-right, y(v), "grid")
		d.text(left-8, y(v)+4, "small", "end", short(v))
	}
	for i, s := range steps {
		d.text(x(i), height-20, "small", "middle", s)
	}
	for _, c := range all {
		var points []string
		for j, v := range c.values {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(j), y(v)))
			d.dot(x(j), y(v), fmt.Sprintf("f%d", c.colour))
		}
		fmt.Fprintf(d, `<polyline points="%s" class="line s%d"/>`+"\n", strings.Join(points, " "), c.colour)
		end := c.values[len(c.values)-1]
		d.text(x(len(steps)-1)+12, y(end)+5, "", "start", c.name+": "+short(end))
	}
	return d.end()
}

// decades are the powers of ten around two numbers.
func decades(low, high float64) (first, last float64) {
	if high <= 0 {
		return 0, 1
	}
	first, last = math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	return first, max(last, first+1)
}

// short is a number with two or three digits that count.
func short(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 1:
		return fmt.Sprintf("%.2g", v)
	case v < 10:
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.0f", v)
}
