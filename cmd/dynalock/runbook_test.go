//go:build linux

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/kmdeveloping/dynalock"
)

// A passage of a page: commands, and the JSON that they are said to print.
type passage struct {
	heading, commands, prints string
}

func passages(t *testing.T, page string) (all []passage) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	heading, lang := "", ""
	for line := range strings.Lines(string(text)) {
		trimmed := strings.TrimSpace(line)
		fence, isFence := strings.CutPrefix(trimmed, "```")
		switch {
		case isFence && lang == "":
			if lang = fence + " "; fence == "sh" {
				all = append(all, passage{heading: heading})
			}
		case isFence:
			lang = ""
		case lang == "sh ":
			all[len(all)-1].commands += trimmed + "\n"
		case lang == "json ":
			all[len(all)-1].prints += line
		case lang == "" && strings.HasPrefix(line, "#"):
			heading = strings.Trim(line, "# \n")
		}
	}
	return all
}

// held puts locks into the place that the runbook's commands look at.
func held(t *testing.T, p place, key, owner string) (token uint64) {
	t.Helper()
	pr := p.begin(t, "dynalock", "acquire", key, "--owner", owner, "--data", "row 500")
	<-pr.done
	info, err := p.client.GetLock(t.Context(), key)
	if err != nil {
		t.Fatal(err, pr.stderr)
	}
	return info.Token
}

// stages is what there is before the commands of a section, and what is wanted
// after them.
var stages = map[string]struct {
	key, owner string
	after      dynalock.State
}{
	"Before you go live":                 {},
	"Look first":                         {"nightly", "reporter-1", dynalock.StateHeld},
	"A durable lock whose owner is dead": {"import", "importer-7", dynalock.StateReleased},
	"A lock that its waiters do not get": {"deploy", "ci-1", dynalock.StateHeld},
	"IAM":                                {},
	"Encryption and keys":                {},
}

// TestRunbook runs every command of docs/running.md, each block by itself, on
// both stores. A block under a heading that is not among the stages is a
// failure.
func TestRunbook(t *testing.T) {
	t.Parallel()
	ran := map[string]bool{}
	for i, block := range passages(t, "../../docs/running.md") {
		stage, ok := stages[block.heading]
		if !ok {
			t.Errorf("commands under %q, for which there is no stage", block.heading)
			continue
		}
		ran[block.heading] = true
		for _, p := range places(t) {
			t.Run(block.heading+"/"+strconv.Itoa(i)+"/"+p.name, func(t *testing.T) {
				cmd := exec.Command("sh", "-eu")
				cmd.Dir = t.TempDir()
				cmd.Env = append(append(os.Environ(), "HOME="+cmd.Dir), p.env...)
				if stage.key != "" {
					token := held(t, p, stage.key, stage.owner)
					cmd.Env = append(cmd.Env, "TOKEN="+strconv.FormatUint(token, 10))
				}
				var stderr strings.Builder
				cmd.Stdin, cmd.Stderr = strings.NewReader(block.commands), &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %s%s in\n%s", err, out, &stderr, block.commands)
				}
				if block.prints != "" && string(out) != block.prints {
					t.Errorf("it prints\n%sbut the page has\n%s", out, block.prints)
				}
				if stage.key == "" {
					return
				}
				if info, err := p.client.GetLock(t.Context(), stage.key); err != nil || info.State != stage.after {
					t.Errorf("afterwards %v, %v, want %s", info, err, stage.after)
				}
			})
		}
	}
	if len(ran) != len(stages) {
		t.Errorf("of the stages %v only %v have commands", stages, ran)
	}
}
