package guard

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// A page is a Markdown file in parts.
type page struct {
	file
	prose   []string // line by line; those in code blocks are empty
	blocks  []block
	anchors map[string]bool
}

// A block is fenced code.
type block struct {
	lang string
	line int // of its first line of code
	text string
}

var (
	heading    = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*\s*$`)
	htmlAnchor = regexp.MustCompile(`<a\s+(?:id|name)="([^"]+)"`)
	codeSpan   = regexp.MustCompile("`[^`]*`")
	inlineLink = regexp.MustCompile(`\]\(<?([^)\s>]+)`)
	linkTarget = regexp.MustCompile(`^\s*\[[^\]]+\]:\s*<?([^\s>]+)`)
	markup     = regexp.MustCompile("[`*]|\\[([^\\]]*)\\]\\([^)]*\\)")
	scheme     = regexp.MustCompile(`^([a-zA-Z][\w+.-]*:|//)`)
)

func newPage(f file) page {
	p := page{file: f, anchors: map[string]bool{}}
	fence := "" // of the block that the line is in
	for i, line := range strings.Split(f.text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case fence != "" && strings.HasPrefix(trimmed, fence):
			fence, line = "", ""
		case fence != "":
			p.blocks[len(p.blocks)-1].text += line + "\n"
			line = ""
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
			lang, _, _ := strings.Cut(strings.TrimLeft(trimmed, "`~ "), " ")
			p.blocks = append(p.blocks, block{lang: lang, line: i + 2})
			line = ""
		}
		p.prose = append(p.prose, line)
		if m := heading.FindStringSubmatch(line); m != nil {
			p.addAnchor(slug(m[1]))
		}
		for _, m := range htmlAnchor.FindAllStringSubmatch(line, -1) {
			p.anchors[m[1]] = true
		}
	}
	return p
}

// addAnchor numbers headings of the same text, as GitHub does.
func (p page) addAnchor(name string) {
	unique := name
	for i := 1; p.anchors[unique]; i++ {
		unique = name + "-" + strconv.Itoa(i)
	}
	p.anchors[unique] = true
}

// slug is GitHub's name for a heading's anchor.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, markup.ReplaceAllString(heading, "$1"))
}

// pages are the Markdown files.
func pages(files []file) (pages []page) {
	for _, f := range files {
		if path.Ext(f.path) == ".md" {
			pages = append(pages, newPage(f))
		}
	}
	return pages
}

// checkLinks follows the relative links of Markdown files.
func checkLinks(files []file) (found []string) {
	all := pages(files)
	for _, p := range all {
		for i, line := range p.prose {
			line = codeSpan.ReplaceAllString(line, "")
			for _, m := range append(inlineLink.FindAllStringSubmatch(line, -1), linkTarget.FindAllStringSubmatch(line, -1)...) {
				if why := broken(files, all, p, m[1]); why != "" {
					found = append(found, p.line(i+1, "link to %s: %s", m[1], why))
				}
			}
		}
	}
	return found
}

// broken says what is wrong with a link, if anything.
func broken(files []file, all []page, from page, link string) string {
	if scheme.MatchString(link) {
		return ""
	}
	target, anchor, _ := strings.Cut(link, "#")
	switch {
	case target == "":
		target = from.path
	case strings.HasPrefix(target, "/"):
		target = path.Clean(target[1:])
	default:
		target = path.Join(from.dir(), target)
	}
	if !slices.ContainsFunc(files, func(f file) bool { return inFolder(f.path, target) }) {
		return "no such file"
	}
	if anchor == "" {
		return ""
	}
	i := slices.IndexFunc(all, func(p page) bool { return p.path == target })
	if i >= 0 && !all[i].anchors[anchor] {
		return "no such heading"
	}
	return ""
}

func TestLinks(t *testing.T) { clean(t, checkLinks(all(t))) }

func TestLinksCatches(t *testing.T) {
	catches(t, checkLinks([]file{
		fixture(t, "README.md", strings.Join([]string{
			"# Locks, `dynalock` *and* [you](x.md)!",                 // 1: x.md
			"[good](docs/a.md) [good](docs) [good](docs/a.md#ttl-1)", // 2
			"[bad](docs/b.md), and `[no](link)` in code",             // 3
			"[good](#locks-dynalock-and-you) [bad](#locks)",          // 4
			"[web](https://example.com/x.md) <https://example.com>",  // 5
			"```", "[no](link) in code", "# none", "```", //            6-9
			"[bad](docs/a.md#ttl-2) [bad](#none)",         // 10
			"[ref]: gone.md",                              // 11
			"![bad picture](docs/a.png \"with a title\")", // 12
		}, "\n")),
		fixture(t, "docs/a.md", "# TTL\n## TTL\n<a id=\"here\"></a>[good](../README.md) [good](#here) [good](/docs/a.md) [bad](../../x)"),
	}),
		"README.md:1: link to x.md: no such file",
		"README.md:3: link to docs/b.md: no such file",
		"README.md:4: link to #locks: no such heading",
		"README.md:10: link to docs/a.md#ttl-2: no such heading", "README.md:10: link to #none",
		"README.md:11: link to gone.md",
		"README.md:12: link to docs/a.png",
		"docs/a.md:3: link to ../../x: no such file",
	)
}
