package sqlitestore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/storetest"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// open opens the file at path until the test ends.
func open(t testing.TB, path string, opts ...sqlitestore.Option) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, opts...)
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

// newFile names a file that does not exist.
func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "locks.db") }

// harness is what every run of the suite declares.
var harness = storetest.Harness{
	HasTime:       true,
	TimeTolerance: 100 * time.Millisecond, // for clocks that are set meanwhile
	TooLarge:      400 << 10,
}

func TestConformance(t *testing.T) {
	h := harness
	h.Open = func(t *testing.T) (a, b lockstore.Store) {
		path := newFile(t)
		return open(t, path), open(t, path)
	}
	storetest.Run(t, h)
}

// The same with the second handle in another process: what is decided here is
// seen there, and the two race for the file's lock as well as for each key.
func TestConformanceAcrossProcesses(t *testing.T) {
	h := harness
	h.Open = func(t *testing.T) (a, b lockstore.Store) {
		path := newFile(t)
		return open(t, path), newRemote(t, path)
	}
	storetest.Run(t, h)
}
