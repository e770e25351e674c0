package sqlitestore

import "time"

// An Option changes how [Open] opens a file.
type Option func(*Store)

// WithTimeout bounds every call: what it waits for other processes' writes and
// for the disk. Default 10 s; 0 or less leaves it as it is. A call that runs
// into it fails with ErrUnavailable, as one whose context ended does.
func WithTimeout(d time.Duration) Option {
	return func(s *Store) {
		if d > 0 {
			s.timeout = d
		}
	}
}

// WithNormalSync waits for the disk only every thousand pages, not at every
// write (SQLite's synchronous=NORMAL; the default is FULL). Nothing changes for
// processes that crash or are killed. After a power failure or a kernel's crash
// the last writes may be undone, all from some moment on: a lock that was
// released may be held again, one that was taken may be free, and its fencing
// token may be given a second time. Live locks do not mind, since their
// processes are gone too. All processes should choose the same.
func WithNormalSync() Option {
	return func(s *Store) { s.normal = true }
}

// WithScope names the store; default the file's absolute path, with symbolic
// links resolved. Handles and encrypted data are bound to that name, so that
// processes which reach one file by different paths (a container and its host)
// need a common one to exchange them.
func WithScope(name string) Option {
	return func(s *Store) {
		if name != "" {
			s.scope = name
		}
	}
}
