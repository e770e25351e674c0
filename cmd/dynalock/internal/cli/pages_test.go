package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPagesNameWhatExists: every dynalock command that a Markdown file shows,
// in a block or within prose, names subcommands and flags that there are.
func TestPagesNameWhatExists(t *testing.T) {
	t.Parallel()
	seen := 0
	root := filepath.Join("..", "..", "..", "..")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && name != root):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".md":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for n, line := range strings.Split(string(text), "\n") {
			for _, words := range shownCommands(line) {
				seen++
				if err := parses(words); err != nil {
					t.Errorf("%s:%d: dynalock %s: %v", name, n+1, strings.Join(words, " "), err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("only %d commands were found", seen)
	}
}

// A command begins a line, or follows what may stand before one.
var shownCommand = regexp.MustCompile("(?:^|[`($'\"|;&>] ?|[ \t])dynalock +([a-z-]+(?: .*)?)")

func shownCommands(line string) (commands [][]string) {
	for {
		m := shownCommand.FindStringSubmatchIndex(line)
		if m == nil {
			return commands
		}
		line = line[m[2]:]
		words := shellWords(line)
		// Prose speaks of dynalock too: what follows there is no command.
		if words[0] == "help" || known(words[0]) || len(words) > 1 && strings.HasPrefix(words[1], "--") {
			commands = append(commands, words)
		}
	}
}

func known(name string) bool {
	for _, c := range (&app{}).root().Commands() {
		if c.Name() == name {
			return true
		}
	}
	return false
}

// shellWords gives the words of a line up to the end of its first command.
// Quotes keep blanks together. What a shell would put in reads as a 1.
func shellWords(line string) (words []string) {
	word, quote := "", rune(0)
	flush := func() {
		if strings.Contains(word, "$") || word == "N" {
			word = "1"
		}
		if word != "" {
			words = append(words, word)
		}
		word = ""
	}
	for i, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote = r
		case strings.ContainsRune("`)|;&<>", r), r == '#' && strings.HasSuffix(line[:i], " "):
			flush()
			return words
		case r == ' ' || r == '\t':
			flush()
		default:
			word += string(r)
		}
	}
	flush()
	return words
}

// parses reports what the command tree finds wrong with subcommand and flags.
func parses(words []string) error {
	root := (&app{}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	c, rest, err := root.Find(words)
	switch {
	case err != nil:
		return err
	case c == root:
		return usagef("there is no command %q", words[0])
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if args := c.Flags().Args(); c.HasSubCommands() && len(args) > 0 {
		return usagef("there is no command %q", args[0])
	}
	return nil
}

func TestPagesCatch(t *testing.T) {
	t.Parallel()
	for line, bad := range map[string]bool{
		"| `flock f c` | `dynalock run --wait f -- cmd --not-ours` |": false,
		"h=$(dynalock acquire --wait --lease 1h job)":                 false,
		"    run: dynalock force-release --token N production":        false,
		"`dynalock run` or `dynalock table policy --store x:y`":       false,
		"What dynalock does, with a lock":                             false,
		"DYNALOCK_HANDLE=$h dynalock release # --none":                false,
		"dynalock run --never f -- cmd":                               true,
		"dynalock lock --wait f":                                      true,
		"`dynalock table polcy`":                                      true,
		"dynalock get a | dynalock ls --nothing":                      true,
	} {
		found := false
		for _, words := range shownCommands(line) {
			found = found || parses(words) != nil
		}
		if found != bad {
			t.Errorf("%s: found %v, want %v", line, found, bad)
		}
	}
}
