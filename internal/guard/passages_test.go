package guard

import (
	"encoding/json"
	"path"
	"strings"
	"testing"
)

// checkPassages wants Go blocks of Markdown files that are no whole files to
// stand in a Go file of the checkout, line for line: what a page shows is then
// compiled, and run where that file is a test or an example. Only the
// indentation of the whole may differ. Of Java the same is wanted.
func checkPassages(files []file) (found []string) {
	sources := map[string][][]string{}
	for _, f := range files {
		if f.ast != nil || path.Ext(f.path) == ".java" {
			lang := path.Ext(f.path)[1:]
			sources[lang] = append(sources[lang], strings.Split(f.text, "\n"))
		}
	}
	for _, p := range pages(files) {
		for _, b := range p.blocks {
			whole := b.lang == "go" && packageClause.MatchString(b.text)
			if (b.lang == "go" || b.lang == "java") && !whole && !stands(passage(b.text), sources[b.lang]) {
				found = append(found, p.line(b.line, "this passage stands in no %s file", b.lang))
			}
		}
	}
	return found
}

// passage gives the lines of a block without what all of them are indented by.
func passage(text string) []string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	common := indentation(lines[0])
	for _, line := range lines {
		for strings.TrimSpace(line) != "" && !strings.HasPrefix(line, common) {
			common = common[:len(common)-1]
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, common)
	}
	return lines
}

func indentation(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

func stands(passage []string, sources [][]string) bool {
	for _, lines := range sources {
		for i, line := range lines {
			if before, ok := strings.CutSuffix(line, passage[0]); ok && strings.TrimSpace(before) == "" && follows(passage, lines[i:], before) {
				return true
			}
		}
	}
	return false
}

// follows reports whether lines begin with the passage, indented by that.
func follows(passage, lines []string, indent string) bool {
	if len(lines) < len(passage) {
		return false
	}
	for i, want := range passage {
		if want != "" {
			want = indent + want
		}
		if lines[i] != want {
			return false
		}
	}
	return true
}

// checkJSON wants JSON blocks to be JSON.
func checkJSON(files []file) (found []string) {
	for _, p := range pages(files) {
		for _, b := range p.blocks {
			if b.lang == "json" && !json.Valid([]byte(b.text)) {
				found = append(found, p.line(b.line, "this is no JSON"))
			}
		}
	}
	return found
}

func TestPassages(t *testing.T) { clean(t, checkPassages(all(t))) }

func TestJSON(t *testing.T) { clean(t, checkJSON(all(t))) }

func TestPassagesCatches(t *testing.T) {
	const code = "package a\n\nfunc f() {\n\tif x {\n\t\tg()\n\n\t\th()\n\t}\n}\n"
	good := "```go\nif x {\n\tg()\n\n\th()\n}\n```\n" + // 2
		"- in a list:\n  ```go\n  g()\n\n  h()\n  ```\n" + // 9
		"```go\npackage main\n```\n```\nno Go\n```\n```go\n\t\tg()\n\n\t\th()\n\t}\n```\n"
	catches(t, checkPassages([]file{
		fixture(t, "a/a.go", code),
		fixture(t, "a/testdata/b.go", "only(here)\n"),
		fixture(t, "good.md", good),
		fixture(t, "bad.md", "```go\nif x {\n\tg()\n\th()\n}\n```\n"+ // 2: a line less
			"```go\nif x {\n\tg() // why\n```\n"+ // 8
			"```go\ng()\n\n  h()\n```\n"+ // 12: indented otherwise
			"```go\nh()\n}\n```\n"+ // 17
			"```go\nonly(here)\n```\n"+ // 21: not compiled
			"```go\n\th()\n}\n```\n"+ // 24: good
			"```java\ng()\n```\n"), // 28: in a Go file only
		fixture(t, "b/B.java", "class B {\n  f();\n}\n"),
		fixture(t, "java.md", "```java\nf();\n```\n"),
	}), "bad.md:2: ", "bad.md:8: ", "bad.md:12: ", "bad.md:17: ", "bad.md:21: ", "bad.md:28: ")
}

func TestJSONCatches(t *testing.T) {
	catches(t, checkJSON([]file{
		fixture(t, "a.md", "```json\n{\"a\": 1}\n```\n```json\n\"a\": 1\n```\n```\n{\n```\n"),
	}), "a.md:5: this is no JSON")
}
