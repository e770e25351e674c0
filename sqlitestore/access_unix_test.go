//go:build unix

package sqlitestore_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// Nobody else can read who holds what, nor the data, nor hold SQLite's locks.
func TestModes(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "locks.db")
	s := open(t, path)
	if err := set(t.Context(), s, "key", nil); err != nil {
		t.Fatal(err)
	}
	mode := func(name string) os.FileMode {
		fi, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return fi.Mode().Perm()
	}
	for name, want := range map[string]os.FileMode{
		filepath.Dir(dir): 0o700, dir: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
	} {
		if got := mode(name); got != want {
			t.Errorf("%s has %o", name, got)
		}
	}
	// Who shares the file shares the others.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if got := mode(name); got != 0o660 {
			t.Errorf("%s has %o", name, got)
		}
	}
}

// What is no file is not opened, which could wait for ever.
func TestOpenNoFile(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, os.DevNull} {
		_, err := sqlitestore.Open(path)
		wantError(t, err, lockstore.ErrInvalidRequest, false)
	}
}

// asNobody lets root's process have no rights: the checks do not apply to root.
// The test's program has to be where others can read it.
func asNobody(t *testing.T, dir string) func(*exec.Cmd) {
	if os.Geteuid() != 0 {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	program := filepath.Join(dir, "program")
	out, err := os.OpenFile(program, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return func(c *exec.Cmd) {
		c.Path, c.Dir = program, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}

func TestAccessDenied(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	nobody := asNobody(t, dir)
	for name, tt := range map[string]struct {
		folder, file os.FileMode
		content      bool // it holds a lock
	}{
		"folder, no file":      {folder: 0o555},
		"folder, empty file":   {folder: 0o555, file: 0o666},
		"file":                 {folder: 0o777, file: 0o444, content: true},
		"file, not even read":  {folder: 0o777, file: 0o200, content: true},
		"folder and file":      {folder: 0o555, file: 0o444, content: true},
		"folder without enter": {folder: 0o600, file: 0o666, content: true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(dir, strings.ReplaceAll(name, " ", "_"))
			path := filepath.Join(folder, "locks.db")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if tt.content {
				s, err := sqlitestore.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := set(t.Context(), s, "held", []byte("data")); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if tt.file != 0 {
				f, err := os.OpenFile(path, os.O_CREATE, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
				if err := os.Chmod(path, tt.file); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(folder, tt.folder); err != nil {
				t.Fatal(err)
			}
			c := start(t, nobody, "open", path)
			if got := c.line(t); !strings.HasPrefix(got, "denied: ") || !strings.Contains(got, "must be allowed to write") || !strings.Contains(got, path) {
				t.Error(got)
			}
			c.end(t)
			for _, name := range []string{folder, path} {
				if err := os.Chmod(name, 0o700); err != nil && tt.file != 0 {
					t.Fatal(err)
				}
			}
			if got := string(get(t, open(t, path), "held")); tt.content && got != "data" {
				t.Errorf("what was held is now %q", got)
			}
		})
	}
}
