package main

import (
	"fmt"
	"html"
	"strings"
)

// width is a little less than a page of GitHub's, so that nothing is scaled.
const width = 720

// The colours are GitHub's, those of the benchmarks' charts. Each picture has a
// background of its own: a page's theme and the system's, which is what an image
// sees, may differ.
const style = `<style>
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}.strong{font-weight:600}
.small{font-size:12px;fill:#59636e}.note{font-size:12px}.bad{font-size:12px;fill:#cf222e}.halo{paint-order:stroke;stroke:#ffffff;stroke-width:5px}
.page{fill:#ffffff;stroke:#d1d9e0}.grid{stroke:#d1d9e0}.axis{stroke:#59636e}.life{stroke:#59636e;stroke-width:3}.ends{stroke:#cf222e;stroke-width:2.5}
.box{stroke-width:1.5}.b0{fill:#ddf4ff;stroke:#0969da}.b1{fill:#fbefff;stroke:#8250df}.b2{fill:#fff1e5;stroke:#bc4c00}.b3{fill:#f6f8fa;stroke:#59636e}
.gap{fill:#ffebe9;stroke:none}.line{fill:none;stroke-width:2}.s0{stroke:#0969da}.s1{stroke:#8250df}.s2{stroke:#bc4c00}.s3{stroke:#59636e}
.f0{fill:#0969da}.f1{fill:#8250df}.f2{fill:#bc4c00}.f3{fill:#59636e}.read{stroke-dasharray:4 4;stroke-width:1.5}.wait{stroke-dasharray:2 4;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.small{fill:#9198a1}.bad{fill:#f85149}.halo{stroke:#0d1117}
.page{fill:#0d1117;stroke:#3d444d}.grid{stroke:#3d444d}.axis{stroke:#9198a1}.life{stroke:#9198a1}.ends{stroke:#f85149}
.b0{fill:#121d2f;stroke:#4493f8}.b1{fill:#211830;stroke:#ab7df8}.b2{fill:#2b1a0f;stroke:#db6d28}.b3{fill:#151b23;stroke:#9198a1}
.gap{fill:#3c1618}.s0{stroke:#4493f8}.s1{stroke:#ab7df8}.s2{stroke:#db6d28}.s3{stroke:#9198a1}
.f0{fill:#4493f8}.f1{fill:#ab7df8}.f2{fill:#db6d28}.f3{fill:#9198a1}}
</style>
`

// A drawing is an SVG in the making.
type drawing struct{ strings.Builder }

// newDrawing begins one. The description is for those who do not see it.
func newDrawing(height int, title, description string) *drawing {
	d := &drawing{}
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc">`+"\n", width, height, width, height)
	fmt.Fprintf(d, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n%s", html.EscapeString(title), html.EscapeString(description), style)
	fmt.Fprintf(d, `<rect x="0.5" y="0.5" width="%d" height="%d" rx="6" class="page"/>`+"\n", width-1, height-1)
	d.text(16, 28, "title", "start", title)
	return d
}

func (d *drawing) text(x, y float64, class, anchor, text string) {
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, html.EscapeString(text))
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(d, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

func (d *drawing) rect(x, y, w, h float64, class string) {
	fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" class="%s"/>`+"\n", x, y, w, h, class)
}

func (d *drawing) dot(x, y float64, class string) {
	fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="4" class="%s"/>`+"\n", x, y, class)
}

// cross marks the end of a process.
func (d *drawing) cross(x, y float64) {
	d.line(x-5, y-5, x+5, y+5, "ends")
	d.line(x-5, y+5, x+5, y-5, "ends")
}

// arrow is level; colour is a number of the style's.
func (d *drawing) arrow(x1, x2, y float64, colour int, class string) {
	tip := 8.0
	if x2 < x1 {
		tip = -tip
	}
	d.line(x1, y, x2-tip, y, fmt.Sprintf("line s%d %s", colour, class))
	fmt.Fprintf(d, `<polygon points="%.1f,%.1f %.1f,%.1f %.1f,%.1f" class="f%d"/>`+"\n", x2, y, x2-tip, y-4, x2-tip, y+4, colour)
}

func (d *drawing) curve(points []string, colour int, class string) {
	fmt.Fprintf(d, `<polyline points="%s" class="line s%d %s"/>`+"\n", strings.Join(points, " "), colour, class)
}

func (d *drawing) end() string {
	d.WriteString("</svg>\n")
	return d.String()
}

// A span of time is drawn between two places.
type scale struct {
	from, to float64 // seconds
	x0, x1   float64
}

func (s scale) x(seconds float64) float64 {
	return s.x0 + (seconds-s.from)/(s.to-s.from)*(s.x1-s.x0)
}

// seconds draws the axis below and the grid.
func (d *drawing) seconds(s scale, top, bottom, step float64, label string) {
	for t := s.from; t <= s.to; t += step {
		d.line(s.x(t), top, s.x(t), bottom, "grid")
		d.text(s.x(t), bottom+16, "small", "middle", fmt.Sprintf("%.0f s", t))
	}
	d.text(s.x1, bottom+34, "small", "end", label)
}
