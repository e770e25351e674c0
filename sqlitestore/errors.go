package sqlitestore

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// fail turns an error of SQLite, the system or a context into the seam's.
// unknown: the write may have been applied all the same.
func (s *Store) fail(op string, err error, unknown bool) error {
	e := &lockstore.Error{Op: op, Scope: s.path, Unknown: unknown, Err: err}
	if known, ok := errors.AsType[*lockstore.Error](err); ok {
		e.Kind, e.Advice, e.Err = known.Kind, known.Advice, known.Err
		return e
	}
	e.Advice, e.Kind = diagnose(err)
	return e
}

// refuse is for requests that were not carried out.
func (s *Store) refuse(op string, kind, err error) error {
	return &lockstore.Error{Kind: kind, Op: op, Scope: s.path, Err: err}
}

// diagnose says what to do about an error, and of what kind it is.
func diagnose(err error) (advice string, kind error) {
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	switch {
	case is(context.Canceled, context.DeadlineExceeded):
		return "", lockstore.ErrUnavailable
	case is(errTimeout):
		return "other processes keep the file busy, one of them was stopped in the middle of a write, or the disk does not answer", lockstore.ErrUnavailable
	case is(errClosed):
		return "open it again", lockstore.ErrUnavailable
	case is(errMoved):
		return "open it again; what is held by the old file excludes nobody", lockstore.ErrTableNotFound
	case is(errPath, errNetwork, fs.ErrNotExist, syscall.ENOTDIR, syscall.EISDIR, syscall.ENAMETOOLONG, syscall.ELOOP):
		return "choose another path, on a local disk", lockstore.ErrInvalidRequest
	case is(errForeign, sqlite3.NOTADB):
		return "it is left as it is; choose another path", lockstore.ErrTableSchema
	case is(errNewer):
		return "it is left as it is; update this program, or choose another path", lockstore.ErrTableSchema
	case is(errMalformed):
		return "", lockstore.ErrMalformed
	case is(sqlite3.CORRUPT, sqlite3.SCHEMA, sqlite3.ERROR, sqlite3.MISMATCH, sqlite3.CONSTRAINT):
		return "the file is damaged or was changed by something else: with all processes stopped, move it and those beside it (-wal, -shm) away together; the locks in it are lost", lockstore.ErrTableSchema
	case is(sqlite3.FULL, syscall.ENOSPC, syscall.EDQUOT):
		return "the disk is full: make room on it; what was stored is not touched", lockstore.ErrUnavailable
	case is(fs.ErrPermission, syscall.EROFS, sqlite3.READONLY, sqlite3.PERM):
		return "this user must be allowed to write to the file, those beside it (-wal, -shm) and their folder; or choose another path", lockstore.ErrAccessDenied
	}
	return "the disk or the file system failed", lockstore.ErrUnavailable
}
