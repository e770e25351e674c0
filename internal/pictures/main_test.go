package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func root(name string) string { return filepath.Join("..", "..", filepath.FromSlash(name)) }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(root(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What stands in the repository is what is drawn.
func TestFresh(t *testing.T) {
	for name, want := range all() {
		if read(t, folder+"/"+name) != want {
			t.Errorf("%s/%s is stale: run make pictures", folder, name)
		}
	}
	entries, err := os.ReadDir(root(folder))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(all()) {
		t.Errorf("%d files in %s, %d are drawn", len(entries), folder, len(all()))
	}
}

// A picture is well-formed, says what it shows to those who do not see it, has
// no script and nothing from elsewhere, and all of it is inside.
func TestSound(t *testing.T) {
	for name, picture := range all() {
		var height float64
		var text xml.StartElement // or another
		said := map[string]string{}
		for decoder, in := xml.NewDecoder(strings.NewReader(picture)), ""; ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch token := token.(type) {
			case xml.CharData:
				said[in] += strings.TrimSpace(string(token))
				if in == "text" {
					fits(t, name, text, string(token))
				}
			case xml.EndElement:
				in = ""
			case xml.StartElement:
				in, text = token.Name.Local, token
				if in == "svg" {
					height = number(t, token, "height")
				}
				if in == "script" || in == "image" || in == "use" || in == "foreignObject" {
					t.Errorf("%s has a %s", name, in)
				}
				for _, a := range []string{"x", "x1", "x2", "cx"} {
					inside(t, name, token, a, width)
				}
				for _, a := range []string{"y", "y1", "y2", "cy"} {
					inside(t, name, token, a, height)
				}
			}
		}
		if said["title"] == "" || len(said["desc"]) < 100 {
			t.Errorf("%s: the title is %q, the description %q", name, said["title"], said["desc"])
		}
		if strings.Contains(picture, "url(") || strings.Contains(picture, "@import") || strings.Contains(picture, "href") {
			t.Errorf("%s loads something", name)
		}
	}
}

// fits guesses the width of a text, by that of a wide font.
func fits(t *testing.T, file string, e xml.StartElement, text string) {
	t.Helper()
	size := 12.0
	for _, a := range e.Attr {
		if a.Name.Local == "class" && (a.Value == "title" || a.Value == "strong") {
			size = 16
		}
	}
	from, wide := number(t, e, "x"), 0.48*size*float64(utf8.RuneCountInString(text))
	for _, a := range e.Attr {
		switch {
		case a.Name.Local != "text-anchor":
		case a.Value == "middle":
			from -= wide / 2
		case a.Value == "end":
			from -= wide
		}
	}
	if from < 0 || from+wide > width {
		t.Errorf("%s: %q reaches from %.0f to %.0f", file, text, from, from+wide)
	}
}

func number(t *testing.T, e xml.StartElement, name string) float64 {
	t.Helper()
	for _, a := range e.Attr {
		if a.Name.Local == name {
			v, err := strconv.ParseFloat(a.Value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return math.NaN()
}

func inside(t *testing.T, file string, e xml.StartElement, name string, most float64) {
	t.Helper()
	if v := number(t, e, name); v < 0 || v > most {
		t.Errorf("%s: %s of a %s is %v, not within 0 and %v", file, name, e.Name.Local, v, most)
	}
}

// The picture of costs and the table of docs/cost.md have the same numbers.
func TestCosts(t *testing.T) {
	page := read(t, "docs/cost.md")
	for n := 1.0; n <= 100_000; n *= 10 {
		row := fmt.Sprintf("| %s | %.2f | %s | %s | %s |", thousands(n),
			1/sessionPeriod, dollars(bySession(n, 1)), rate(n/sessionPeriod), dollars(byHeartbeat(n, sessionPeriod)))
		if !strings.Contains(page, row) {
			t.Errorf("docs/cost.md has no row %s", row)
		}
	}
	if want := dollars(bySession(100, 100)); !strings.Contains(page, "sessions, "+want+".") {
		t.Errorf("docs/cost.md does not say that a hundred sessions cost %s", want)
	}
}

// rate is rounded as in docs/cost.md.
func rate(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.2f", v)
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	}
	return thousands(v)
}
