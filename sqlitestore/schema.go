package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

const (
	// applicationID marks the file as one of this package: "dyna".
	applicationID = 0x64796e61
	// schemaVersion rises when an older version of this package could do harm.
	schemaVersion = 1
	// checkpoint is after how many pages the write-ahead log is brought into
	// the file, at the cost of two waits for the disk. Whoever opens the file
	// first reads the log, 4.5 µs a page: a short one keeps short-lived
	// processes quick.
	checkpoint = 250
	// normalCheckpoint is SQLite's own: these waits are the only ones then.
	normalCheckpoint = 1000
)

var (
	errForeign = errors.New("the file is a database of something else")
	errNewer   = errors.New("the file was written by a newer version of dynalock")
	errNoWAL   = errors.New("the file system does not allow a write-ahead log")
)

// connect opens one connection to the file, which must exist.
func (s *Store) connect(ctx context.Context) (*conn, error) {
	db, err := sqlite3.OpenFlags(s.uri(), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	c := &conn{db: db, stmts: map[string]*sqlite3.Stmt{}}
	if err := s.setUp(ctx, c); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// uri names the file so that no character of its name means anything.
func (s *Store) uri() string {
	path := filepath.ToSlash(s.path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/folder
	}
	query := url.Values{"modeof": {s.path}} // the log's mode follows the file's
	if s.vfs != "" {
		query.Set("vfs", s.vfs)
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}
	return u.String()
}

func (s *Store) setUp(ctx context.Context, c *conn) error {
	// The log stays when the last process goes: nobody has to wait for its
	// removal, nor to make it again.
	if _, err := c.db.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
		return err
	}
	var fresh bool
	if err := retry(ctx, func() (err error) {
		fresh, err = c.checkSchema()
		return err
	}); err != nil {
		return err
	}
	if err := retry(ctx, c.useLog); err != nil {
		return err
	}
	if err := c.db.Exec(s.settings()); err != nil {
		return err
	}
	if fresh {
		if err := retry(ctx, c.create); err != nil {
			return err
		}
	}
	// Every call needs it, and it fails unless the table is as it should be.
	if err := retry(ctx, func() error { _, err := c.stmt(selectSQL); return err }); err != nil {
		return err
	}
	return inherit(s.path, s.path+"-shm")
}

func (s *Store) settings() string {
	sync, pages := "FULL; PRAGMA fullfsync = ON", checkpoint // macOS: not only into the disk's cache
	if s.normal {
		sync, pages = "NORMAL", normalCheckpoint
	}
	sql := fmt.Sprintf("PRAGMA synchronous = %s; PRAGMA wal_autocheckpoint = %d", sync, pages)
	for _, p := range s.pragmas {
		sql += "; PRAGMA " + p
	}
	return sql
}

// checkSchema looks before anything is written: a foreign file stays as it is.
// It is one statement, so that it sees one state while others make the table.
func (c *conn) checkSchema() (fresh bool, err error) {
	s, _, err := c.db.Prepare("SELECT (SELECT application_id FROM pragma_application_id)," +
		" (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)")
	if err != nil {
		return false, err
	}
	defer s.Close()
	if !s.Step() {
		return false, s.Err()
	}
	id, version, tables := s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnInt64(2)
	switch {
	case id == applicationID && version == schemaVersion:
		return false, nil
	case id == applicationID:
		return false, fmt.Errorf("%w: schema %d, this one knows %d", errNewer, version, schemaVersion)
	case id != 0 || version != 0 || tables != 0:
		return false, errForeign
	}
	return true, nil
}

// useLog switches to the write-ahead log, which the file remembers.
func (c *conn) useLog() error {
	s, _, err := c.db.Prepare("PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	defer s.Close()
	if !s.Step() {
		return s.Err()
	}
	if mode := s.ColumnText(0); mode != "wal" {
		return fmt.Errorf("%w: it stays at %q", errNoWAL, mode)
	}
	return nil
}

// create makes the table, unless another process has just done so.
func (c *conn) create() error {
	if err := c.exec(beginSQL); err != nil {
		return err
	}
	defer c.rollback()
	if fresh, err := c.checkSchema(); !fresh || err != nil {
		return err
	}
	err := c.db.Exec(fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d", createSQL, applicationID, schemaVersion))
	if err != nil {
		return err
	}
	return c.exec(commitSQL)
}
