package sqlitestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

func init() {
	roles["open"] = func(args []string) error { // and says how that went
		s, err := sqlitestore.Open(args[0])
		if err == nil {
			err = errors.Join(set(context.Background(), s, "key", []byte("data")), s.Close())
		}
		if errors.Is(err, lockstore.ErrAccessDenied) {
			fmt.Println("denied:", err)
		} else {
			fmt.Println("error:", err)
		}
		return nil
	}
}

// execute runs SQL on a file by another way than the store's.
func execute(t testing.TB, path, sql string) {
	t.Helper()
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(sql); err != nil {
		t.Fatal(err)
	}
}

// Whatever is not ours stays as it is, to the byte.
func TestOpenForeign(t *testing.T) {
	for name, tt := range map[string]struct {
		text   string
		sql    string
		advice string
	}{
		"text":          {text: "my diary\n", advice: "another path"},
		"one byte":      {text: "x", advice: "another path"},
		"binary":        {text: strings.Repeat("\xff\x00", 10_000), advice: "another path"},
		"header only":   {text: "SQLite format 3\x00", advice: "another path"},
		"damaged":       {text: "SQLite format 3\x00" + strings.Repeat("\x17", 8192), advice: "another path"},
		"other tables":  {sql: "CREATE TABLE locks (name TEXT); INSERT INTO locks VALUES ('mine')", advice: "another path"},
		"other program": {sql: "PRAGMA application_id = 7; CREATE TABLE t (x)", advice: "another path"},
		"other, empty":  {sql: "PRAGMA application_id = 7", advice: "another path"},
		"other version": {sql: "PRAGMA user_version = 1", advice: "another path"},
		"newer": {sql: fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; CREATE TABLE locks (later)",
			sqlitestore.ApplicationID, sqlitestore.SchemaVersion+1), advice: "update this program"},
		"without its table": {sql: fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; CREATE TABLE t (x)",
			sqlitestore.ApplicationID, sqlitestore.SchemaVersion), advice: "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			if tt.sql != "" {
				execute(t, path, tt.sql)
			} else if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = sqlitestore.Open(path)
			e := wantError(t, err, lockstore.ErrTableSchema, false)
			if !strings.Contains(e.Advice, tt.advice) || !strings.Contains(err.Error(), path) {
				t.Error(err)
			}
			if name == "without its table" {
				return // it says that it is ours, so its journal mode may be set
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file changed: %v", err)
			}
			if files, _ := filepath.Glob(path + "*"); len(files) != 1 {
				t.Errorf("there are now %q", files)
			}
		})
	}
}

// An empty file is one that was just made: by another process, or by mktemp.
func TestOpenEmpty(t *testing.T) {
	path := newFile(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := set(t.Context(), open(t, path), "key", nil); err != nil {
		t.Error(err)
	}
	// Also where an earlier attempt got as far as the log.
	path = newFile(t)
	execute(t, path, "PRAGMA journal_mode = WAL; CREATE TABLE t (x); DROP TABLE t")
	if err := set(t.Context(), open(t, path), "key", nil); err != nil {
		t.Error(err)
	}
}

// A file that is ours and was damaged is not taken for an empty one.
func TestOpenDamaged(t *testing.T) {
	path := newFile(t)
	s := open(t, path, sqlitestore.WithPragma("wal_autocheckpoint = 1"))
	for i := range 300 {
		if err := set(t.Context(), s, fmt.Sprint(i), make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut":   func(b []byte) []byte { return b[:len(b)/2] },
		"pages": func(b []byte) []byte { copy(b[4096:], make([]byte, len(b))); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			if err := os.WriteFile(path, damage(bytes.Clone(text)), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := sqlitestore.Open(path)
			if err == nil {
				defer s.Close()
				err = errors.Join(set(t.Context(), s, "1", nil), set(t.Context(), s, "299", nil))
			}
			if e := wantError(t, err, lockstore.ErrTableSchema, false); !strings.Contains(e.Advice, "damaged") {
				t.Error(err)
			}
		})
	}
}

func TestOpenWrongPath(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"dangling link": dangling, "empty": "", "memory": ":memory:", "URI": "file:locks.db", "zero byte": "a\x00b",
		"a folder": dir, "in a file": filepath.Join(file, "locks.db"), "folders in a file": filepath.Join(file, "a", "b", "locks.db"),
		"long": filepath.Join(dir, strings.Repeat("x", 300)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlitestore.Open(path)
			if e := wantError(t, err, lockstore.ErrInvalidRequest, false); e.Advice == "" {
				t.Error(err)
			}
		})
	}
}

// No character of a name means anything.
func TestOpenOddNames(t *testing.T) {
	for _, name := range []string{
		"a b", "a%20b", "100%", "a?b", "a?mode=memory", "a#b", "a&b=c", "a+b", "a;b", "a'b", `a"b`, "ü日本", "-a", "a:b", "~", "a.b-wal",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f "+name, name)
			if err := set(t.Context(), open(t, path), "key", []byte(name)); err != nil {
				t.Fatal(err)
			}
			if got := get(t, open(t, path), "key"); string(got) != name {
				t.Errorf("got %q", got)
			}
			files, _ := os.ReadDir(filepath.Dir(path))
			for _, f := range files {
				if f.Name() != name && f.Name() != name+"-wal" && f.Name() != name+"-shm" {
					t.Errorf("there is %q", f.Name())
				}
			}
		})
	}
}

// All ways to one file are one scope, and one lock.
func TestOpenByAnotherName(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "real", "locks.db")
	s := open(t, path)
	if got := s.Info(); got != (lockstore.Info{Scope: path}) {
		t.Error(got)
	}
	if err := set(t.Context(), s, "key", []byte("data")); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"folder": "real", "link.db": path, "next.db": "link.db"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Dir(path))
	for _, name := range []string{
		filepath.Join(dir, "folder", "locks.db"), filepath.Join(dir, "link.db"), filepath.Join(dir, "next.db"),
		"locks.db", "./locks.db", "../folder/../real//locks.db",
	} {
		other := open(t, name)
		if got := get(t, other, "key"); other.Info() != s.Info() || string(got) != "data" {
			t.Errorf("%s: %+v, %q", name, other.Info(), got)
		}
	}
	if got := open(t, path, sqlitestore.WithScope("mine"), sqlitestore.WithScope("")).Info().Scope; got != "mine" {
		t.Error(got)
	}
}

// Who comes first makes the table, and everybody else waits for it.
func TestOpenAtOnce(t *testing.T) {
	for range 3 {
		path := newFile(t)
		var children []*child
		for range 4 {
			children = append(children, start(t, nil, "open", path))
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := sqlitestore.Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(set(t.Context(), s, "key", nil), s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, c := range children {
			if got := c.line(t); got != "error: <nil>" {
				t.Error(got)
			}
			c.end(t)
		}
	}
}
