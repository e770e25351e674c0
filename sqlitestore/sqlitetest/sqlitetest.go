package sqlitetest

import (
	"path/filepath"
	"testing"

	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// Open gives a store in t.TempDir that is closed when the test ends. Its name
// for sqlitestore.Open, to reach it from another process, is Info().Scope. It
// does not wait for the disk: a test's file need not survive a power failure.
func Open(t testing.TB) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "locks.db"), sqlitestore.WithNormalSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
