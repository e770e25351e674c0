package sqlitestore

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// There is no network file system here; /proc stands for one.
func TestNetworkFS(t *testing.T) {
	if kind := networkFS(t.TempDir()); kind != "" {
		t.Errorf("a local folder is %s", kind)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs("/proc", &st); err != nil {
		t.Fatal(err)
	}
	networks[uint32(st.Type)] = "ProcFS"
	defer delete(networks, uint32(st.Type))
	_, err := Open("/proc/self/locks.db")
	if e, ok := errors.AsType[*lockstore.Error](err); !ok || e.Kind != lockstore.ErrInvalidRequest ||
		!strings.Contains(err.Error(), "ProcFS") || !strings.Contains(e.Advice, "local disk") {
		t.Error(err)
	}
}
