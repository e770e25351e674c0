//go:build linux

package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// TestMain makes this binary the commands that scripts and tests start as
// processes: dynalock itself, and what it is given to run.
func TestMain(m *testing.M) {
	// These tests wait more than they work: for leases to end. A -parallel on
	// the command line, which is read later, counts instead.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"dynalock":  main,
		"testchild": testchild,
	})
}

// TestScriptsSQLite runs every script on a file of its own.
func TestScriptsSQLite(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params(func(env *testscript.Env) {
		env.Setenv("DYNALOCK_STORE", "sqlite:"+env.WorkDir+"/locks.db")
		env.Setenv("KIND", "sqlite")
	}))
}

// TestScriptsDynamoDB runs the same scripts on a table of its own each.
func TestScriptsDynamoDB(t *testing.T) {
	t.Parallel()
	db := enginetest.Client(t)
	endpoint := enginetest.Endpoint(t)
	testscript.Run(t, params(func(env *testscript.Env) {
		for _, entry := range awsEnv(endpoint) {
			name, value, _ := strings.Cut(entry, "=")
			env.Setenv(name, value)
		}
		env.Setenv("DYNALOCK_STORE", "dynamodb:"+enginetest.Table(t, db))
		env.Setenv("KIND", "dynamodb")
	}))
}

// awsEnv is what the AWS SDK takes of the environment to find the engine.
func awsEnv(endpoint string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
	}
}

func params(setup func(*testscript.Env)) testscript.Params {
	return testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			setup(env)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":    scriptCode,
			"longkey": scriptLongKey,
		},
		Condition: func(cond string) (bool, error) {
			return false, errors.New("no condition " + cond)
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	}
}

// scriptCode is "code N COMMAND ARG...": the command must exit with N.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptLongKey is "longkey NAME N": it puts a key of N bytes into a variable.
func scriptLongKey(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Setenv(args[0], strings.Repeat("k", n))
}
