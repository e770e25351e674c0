package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// A faultFS is the system's files with a test's hands in between.
type faultFS struct {
	vfs.VFSFilename
	connections atomic.Int64

	mu     sync.Mutex
	before func(fileOp) error // may block; an error is the operation's
}

// A fileOp is one operation on a file.
type fileOp struct {
	what string // read, write, sync, truncate
	path string
	off  int64 // or the size
	data []byte
}

// onLog says whether the operation is on a write-ahead log.
func (o fileOp) onLog() bool { return strings.HasSuffix(o.path, "-wal") }

var faultFSs atomic.Int64

// newFaultFS registers a file system until the test ends.
func newFaultFS(t testing.TB) (*faultFS, sqlitestore.Option) {
	f := &faultFS{VFSFilename: vfs.Find("os").(vfs.VFSFilename)}
	name := fmt.Sprint("fault", faultFSs.Add(1))
	vfs.Register(name, f)
	t.Cleanup(func() { vfs.Unregister(name) })
	return f, sqlitestore.WithVFS(name)
}

// do sets what happens before each operation; nil: nothing.
func (f *faultFS) do(before func(fileOp) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

func (f *faultFS) ask(op fileOp) error {
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(op)
}

func (f *faultFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := f.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	if flags&vfs.OPEN_MAIN_DB != 0 {
		f.connections.Add(1)
	}
	return &faultFile{file, f, filepath.FromSlash(name.String())}, flags, nil
}

type faultFile struct {
	vfs.File
	fs   *faultFS
	path string
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.ask(fileOp{what: "read", path: f.path, off: off}); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.ask(fileOp{"write", f.path, off, p}); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.fs.ask(fileOp{what: "truncate", path: f.path, off: size}); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Sync(flags vfs.SyncFlag) error {
	if err := f.fs.ask(fileOp{what: "sync", path: f.path}); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

// What SQLite asks files for beside the common methods.

func (f *faultFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *faultFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *faultFile) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f *faultFile) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f *faultFile) PowersafeOverwrite() bool       { return vfsutil.WrapPowersafeOverwrite(f.File) }
func (f *faultFile) SetPowersafeOverwrite(psow bool) {
	vfsutil.WrapSetPowersafeOverwrite(f.File, psow)
}
