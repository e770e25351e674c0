package enginetest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/goleak"
)

// A test binary that is asked to start an engine and then hang: see
// TestEngineDiesWithItsProcess.
const victimVariable = "ENGINETEST_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(victimVariable) != "" {
		e, err := Start("")
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(e.URL)
		select {}
	}
	code := Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "leak:", err)
		code = 1
	}
	os.Exit(code)
}

func TestTableIsUsable(t *testing.T) {
	db := Client(t)
	name := Table(t, db, Keys{Partition: "id", Sort: "kind"})
	out, err := db.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(out.Table.KeySchema); got != 2 {
		t.Errorf("%d keys, want 2", got)
	}
}

func TestEngineCostsNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	e, err := Start(filepath.Join(t.TempDir(), "locks.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	if err := e.Stop(); err != nil {
		t.Error(err)
	}
	if err := e.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if answers(e.URL) {
		t.Error("the engine answers after Stop")
	}
}

func TestEngineDiesWithItsProcess(t *testing.T) {
	if !watchedByPipe {
		t.Log("this platform has no watcher; see watch_other.go")
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.CommandContext(t.Context(), self)
	victim.Env = append(os.Environ(), victimVariable+"=1")
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(line)
	if !answers(url) {
		t.Fatalf("no engine at %q", url)
	}
	if err := victim.Process.Kill(); err != nil { // SIGKILL: nothing of ours runs any more
		t.Fatal(err)
	}
	_ = victim.Wait()
	// real time: a process ends.
	for end := time.Now().Add(10 * time.Second); answers(url); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the engine outlives its process")
		}
	}
}

func TestFetchedByManyAtOnce(t *testing.T) {
	found, err := Binary()
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		return
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Log("without npm there is nothing to fetch; found", found)
		return
	}
	dir := t.TempDir()
	target := filepath.Join(dir, executable())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := fetch(dir, target); err != nil {
				t.Errorf("fetch: %v", err)
			}
		})
	}
	wg.Wait()
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 1 || left[0] != target {
		t.Errorf("left behind: %v", left)
	}
	out, err := exec.Command(target, "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), Version) {
		t.Errorf("says %q, %v", out, err)
	}
}

func TestMissingEngineSaysHowToGetOne(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", "")
	_, err := findBinary()
	if err == nil {
		t.Fatal("found one where there is none")
	}
	for _, want := range []string{"npm", "cargo install dynoxide-rs", EndpointVariable} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}

func answers(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return false
	}
	c.Close()
	return true
}
