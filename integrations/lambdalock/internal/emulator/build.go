package emulator

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Example is the import path of the example's function.
const Example = "github.com/kmdeveloping/dynalock/integrations/lambdalock"

// Dir is the folder of the example, for programs that run inside the checkout.
var Dir = sync.OnceValues(func() (string, error) {
	return run(exec.Command("go", "list", "-f", "{{.Dir}}", Example))
})

// binary builds the emulator, at the first use, and gives its path.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "tool", "-n", "aws-lambda-rie")
	cmd.Dir = filepath.Join(dir, "testdata", "emulator")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	return run(cmd)
})

// Build compiles the function's package into that folder and gives the path.
func Build(pkg, folder string) (string, error) {
	path := filepath.Join(folder, "bootstrap")
	// The tag leaves out what only Lambda runtimes before provided.al2 need.
	_, err := run(exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, pkg))
	return path, err
}

// run gives what a command prints, and what it complains of as an error.
func run(cmd *exec.Cmd) (string, error) {
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("emulator: %s: %w\n%s", strings.Join(cmd.Args, " "), err, complaints.String())
	}
	return strings.TrimSpace(out.String()), nil
}
