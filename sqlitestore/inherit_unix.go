//go:build unix

package sqlitestore

import (
	"os"
	"syscall"
)

// inherit gives the file at to, which SQLite made with the mode that the umask
// left and for the user that came first, the mode and owner of the one at from.
// It goes by name: on BSD, opening a file and closing it again drops the
// process's locks on it. Only its owner may do it, and has done so if it is
// another user.
func inherit(from, to string) error {
	a, err := os.Stat(from)
	if err != nil {
		return err
	}
	b, err := os.Stat(to)
	if err != nil {
		return err
	}
	if a.Mode() != b.Mode() {
		_ = os.Chmod(to, a.Mode())
	}
	owner, ok := a.Sys().(*syscall.Stat_t)
	now, also := b.Sys().(*syscall.Stat_t)
	if ok && also && (owner.Uid != now.Uid || owner.Gid != now.Gid) {
		_ = os.Chown(to, int(owner.Uid), int(owner.Gid))
	}
	return nil
}
