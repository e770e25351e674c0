package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	errPath    = errors.New("the path must name a file: no URI, not :memory:, no zero byte, not empty")
	errNetwork = errors.New("a network file system cannot keep processes of several machines apart")
)

// Open opens the file of locks at path, and makes it and its folders where
// they do not exist. It fails with a [lockstore.Error]: ErrTableSchema for a
// file that is no database, one of something else, damaged, or written by a
// newer version, all of which it leaves as they are; ErrAccessDenied;
// ErrInvalidRequest for a path that cannot be; ErrUnavailable for the rest.
//
// It takes 1 to 3 ms, and for a new file some waits for the disk.
func Open(path string, opts ...Option) (*Store, error) {
	s := &Store{
		path:    path,
		timeout: 10 * time.Second,
		grace:   100 * time.Millisecond,
		now:     time.Now,
		pool:    newPool(),
	}
	for _, opt := range opts {
		opt(s)
	}
	if err := s.open(); err != nil {
		return nil, s.fail("Open", err, false)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.resolve(); err != nil {
		return err
	}
	if s.scope == "" {
		s.scope = s.path
	}
	if kind := networkFS(filepath.Dir(s.path)); kind != "" {
		return fmt.Errorf("%w (%s)", errNetwork, kind)
	}
	if err := s.make(); err != nil {
		return err
	}
	_, err := run(context.Background(), s, "Open", false, func(context.Context, *conn, *gate) (struct{}, error) {
		return struct{}{}, nil
	})
	if err != nil {
		err = errors.Join(err, s.pool.close())
	}
	return err
}

// resolve finds the one name of the file and makes its folder. Two names would
// be two logs, and two scopes.
func (s *Store) resolve() error {
	if s.path == "" || strings.HasPrefix(s.path, ":memory:") || strings.HasPrefix(s.path, "file:") || strings.ContainsRune(s.path, 0) {
		return errPath
	}
	path, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	s.path = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		if real, err = filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			real = filepath.Join(real, filepath.Base(path))
		}
	}
	if err != nil {
		return err
	}
	s.path = real
	return nil
}

// make creates the file, for this user alone. SQLite would let the umask decide.
func (s *Store) make() error {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		err = f.Close()
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err != nil {
		return err
	}
	if s.file, err = os.Stat(s.path); err != nil {
		return err
	}
	if !s.file.Mode().IsRegular() {
		return fmt.Errorf("%w, this is %v", errPath, s.file.Mode().Type())
	}
	return nil
}
