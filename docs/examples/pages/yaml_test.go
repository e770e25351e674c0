package pages_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var yamlBlock = regexp.MustCompile("(?sm)^```ya?ml\n(.*?)^```$")

// Every YAML block of a Markdown file parses. The rest of what is asked of
// pages is in internal/guard, which may depend on nothing.
func TestYAML(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && name != root):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".md":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			seen++
			if err := parseYAML(m[1]); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 2 {
		t.Errorf("only %d blocks", seen)
	}
}

func parseYAML(text string) error {
	var into map[string]any
	return yaml.Unmarshal([]byte(text), &into)
}

func TestYAMLCatches(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"a: b: c\n", "a:\n\t- b\n", "- a\n", "a: 1\na: 2\n"} {
		if parseYAML(bad) == nil {
			t.Errorf("%q parses", bad)
		}
	}
}
