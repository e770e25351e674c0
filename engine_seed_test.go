package dynalock_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// The program of the README that the project started from does what it says.
// Its text is taken as it stands, save for two places: NewFromConfig gets what
// the SDK wants (the text has a pointer there), and where it says "use your
// relevant config setup" one line does so.
func TestEngineSeedProgram(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "seed", "program.txt"))
	if err != nil {
		t.Fatal(err)
	}
	program := edit(t, string(text), "dynamodb.NewFromConfig(cfg)", "dynamodb.NewFromConfig(*cfg)")
	program = edit(t, program, "cfg := aws.NewConfig()\n", "cfg := aws.NewConfig()\n\tconfigure(cfg)\n")

	const table, key = "default_table_name_of_your_choice", "some_key_name"
	e := &engineTable{t: t, db: enginetest.Client(t), name: table, keys: enginetest.Keys{Partition: "optionally_overwrite_partition_key_name_default"}}
	if err := e.client("setup", dynalock.WithPartitionKeyName(e.keys.Partition)).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = e.db.DeleteTable(ever, &dynamodb.DeleteTableInput{TableName: &e.name}) })

	cmd := exec.CommandContext(t.Context(), build(t, "seed", program))
	cmd.Env = append(os.Environ(), enginetest.EndpointVariable+"="+enginetest.Endpoint(t))
	out, err := cmd.CombinedOutput()
	t.Logf("it says:\n%s", out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want the lock and true", len(lines))
	}
	for _, want := range []string{key, "optionally_set_your_custom_lock_owner_name"} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("the lock is printed without %q", want)
		}
	}
	if strings.Contains(string(out), "meta") {
		t.Error("the data is printed")
	}
	if !strings.HasSuffix(lines[1], " true") {
		t.Errorf("released: %s", lines[1])
	}
	if it := e.item(key); it != nil {
		t.Errorf("DeleteOnRelease left %s", showItem(it))
	}
}

// edit replaces the one place where old stands.
func edit(t *testing.T, text, old, with string) string {
	t.Helper()
	if n := strings.Count(text, old); n != 1 {
		t.Fatalf("%d times %q in the program", n, old)
	}
	return strings.Replace(text, old, with, 1)
}

// build compiles a program of testdata, with that text as its main.go if it
// has none, inside the module so that imports mean what they mean here.
func build(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, name+".exe")
	args := []string{"build", "-o", binary}
	if text != "" {
		source, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
		target, err := filepath.Abs(filepath.Join("testdata", name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		files, err := json.Marshal(map[string]any{"Replace": map[string]string{target: source}})
		if err != nil {
			t.Fatal(err)
		}
		for path, content := range map[string][]byte{source: []byte(text), overlay: files} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./testdata/"+name)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return binary
}
