package guard

import (
	"regexp"
	"strings"
	"testing"
)

// machine matches what is true of one machine only: absolute paths into a
// person's or a build's folders, and hosts that only a private network knows.
var machine = regexp.MustCompile(
	`(?:^|[^\w.~/*}-])(/(?:work|root|home/\w+|Users/\w+)/\S*|[A-Z]:\\Users\\\S*)` +
		`|(https?://[\w.-]+\.(?:internal|intranet|corp|lan|local)\b)`)

func checkMachine(files []file) (found []string) {
	for _, f := range files {
		for i, line := range strings.Split(f.text, "\n") {
			if m := machine.FindStringSubmatch(line); m != nil {
				found = append(found, f.line(i+1, "%s is of one machine", m[1]+m[2]))
			}
		}
	}
	return found
}

func TestMachine(t *testing.T) { clean(t, checkMachine(all(t))) }

// The fixtures are put together, so that they are not found themselves.
func TestMachineCatches(t *testing.T) {
	for text, caught := range map[string]bool{
		"see /" + "work/main/x.go":          true,
		"cd '/" + "root/go'":                true,
		"path=/" + "home/me/dynalock":       true,
		"(/" + "Users/me/dynalock)":         true,
		`in C:` + `\Users\me`:               true,
		"from http://proxy" + ".corp/x":     true,
		"https://git.example" + ".internal": true,

		"a/work/b, ../work/x, .github/work/": false,
		"https://example.com/root/x":         false,
		"the root/ folder, $HOME/work/x":     false,
		"internal/protocol":                  false,
		"https://localhost:8000":             false,
	} {
		if got := len(checkMachine([]file{fixture(t, "a.md", text)})) > 0; got != caught {
			t.Errorf("%q: caught %v, want %v", text, got, caught)
		}
	}
}
