package guard

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var packageClause = regexp.MustCompile(`^package (\w+)`)

// checkSnippets compiles and vets those Go blocks of Markdown files that are
// whole files: a program that a reader copies has to work.
func checkSnippets(files []file) (found []string, err error) {
	// Inside the module, so that imports resolve as they do here; under a name
	// with a dot, so that ./... passes it by.
	cache := filepath.Join(root(), ".cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(cache, "snippets-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)

	args := []string{"vet"}
	for _, p := range pages(files) {
		for _, b := range p.blocks {
			m := packageClause.FindStringSubmatch(b.text)
			if b.lang != "go" || m == nil {
				continue
			}
			dir := filepath.Join(tmp, fmt.Sprintf("%s_line_%d", strings.NewReplacer("/", "_", ".", "_").Replace(p.path), b.line))
			name := "main.go"
			if strings.HasSuffix(m[1], "_test") {
				name = "main_test.go"
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(b.text), 0o644); err != nil {
				return nil, err
			}
			args = append(args, dir)
		}
	}
	if len(args) == 1 {
		return nil, nil
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root()
	out, err := cmd.CombinedOutput()
	if err != nil {
		found = append(found, fmt.Sprintf("go vet of the code in Markdown files: %v\n%s", err, out))
	}
	return found, nil
}

func TestSnippets(t *testing.T) {
	found, err := checkSnippets(all(t))
	if err != nil {
		t.Fatal(err)
	}
	clean(t, found)
}

func TestSnippetsCatches(t *testing.T) {
	const text = "```go\npackage main\n\nimport \"" + module + "/lockstore\"\n\nvar _ = lockstore.%s\n\nfunc main() {}\n```\n" +
		"```go\nthis is no whole file\n```\n```\npackage none\n```\n"
	good := fixture(t, "docs/good.md", fmt.Sprintf(text, "ErrUnavailable"))
	bad := fixture(t, "docs/bad.md", fmt.Sprintf(text, "ErrInvented"))
	found, err := checkSnippets([]file{good})
	if err != nil {
		t.Fatal(err)
	}
	clean(t, found)
	found, err = checkSnippets([]file{good, bad})
	if err != nil {
		t.Fatal(err)
	}
	catches(t, found, "docs_bad_md_line_2")
}
