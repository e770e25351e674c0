package sqlitestore_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// openFiles counts this process's open files whose names begin so.
func openFiles(t *testing.T, path string) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(fds) == 0 {
		t.Fatal(fds, err)
	}
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, path) {
			n++
		}
	}
	return n
}

// Close leaves no file open, of no connection.
func TestCloseClosesFiles(t *testing.T) {
	path := newFile(t)
	s, err := sqlitestore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.Get(context.Background(), "key", lockstore.Consistent); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := openFiles(t, path); n < 3 || n > 3*4 { // the file, the log, its memory
		t.Errorf("%d files of up to 4 connections", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := openFiles(t, path); n != 0 {
		t.Errorf("%d files are open after Close", n)
	}
	// Nor does an Open that failed.
	foreign := newFile(t)
	execute(t, foreign, "CREATE TABLE t (x)")
	if _, err := sqlitestore.Open(foreign); err == nil {
		t.Error("opened")
	}
	if n := openFiles(t, foreign); n != 0 {
		t.Errorf("%d files are open after an Open that failed", n)
	}
}
