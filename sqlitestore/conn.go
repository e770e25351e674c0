package sqlitestore

import (
	"context"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A conn is one connection, used by one call at a time.
type conn struct {
	db     *sqlite3.Conn
	stmts  map[string]*sqlite3.Stmt
	broken bool // close it after the call
}

const (
	beginSQL    = "BEGIN IMMEDIATE"
	commitSQL   = "COMMIT"
	rollbackSQL = "ROLLBACK"
	deleteSQL   = "DELETE FROM locks WHERE key = ?"
)

// stmt compiles a statement at its first use: a short-lived process needs few
// of them.
func (c *conn) stmt(sql string) (*sqlite3.Stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	s, _, err := c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = s
	return s, nil
}

func (c *conn) exec(sql string) error {
	s, err := c.stmt(sql)
	if err != nil {
		return err
	}
	return c.note(s.Exec())
}

// note marks the connection after an error that may have left it in a state of
// its own. A full disk and another process's write do not.
func (c *conn) note(err error) error {
	if err != nil && !errors.Is(err, sqlite3.BUSY) && !errors.Is(err, sqlite3.FULL) {
		c.broken = true
	}
	return err
}

// load reads the record under key; nil: there is none.
func (c *conn) load(key string) (*lockstore.Record, error) {
	s, err := c.stmt(selectSQL)
	if err != nil {
		return nil, err
	}
	defer s.Reset()
	if err := s.BindText(1, key); err != nil {
		return nil, err
	}
	if !s.Step() {
		return nil, c.note(s.Err())
	}
	return decode(s)
}

// store writes r under key; nil removes what is there.
func (c *conn) store(key string, r *lockstore.Record) error {
	sql, place := upsertSQL, len(columns)+1
	if r == nil {
		sql, place = deleteSQL, 1
	}
	s, err := c.stmt(sql)
	if err != nil {
		return err
	}
	defer s.ClearBindings() // which frees the data
	if err := s.BindText(place, key); err != nil {
		return err
	}
	if r != nil {
		if err := encode(s, r); err != nil {
			return err
		}
	}
	return c.note(s.Exec())
}

// scan reads one page of at most limit records. Its memory is bounded by the
// page's, whatever the number of locks.
func (c *conn) scan(q lockstore.Query, limit int) (page lockstore.Page, err error) {
	s, err := c.stmt(scanSQL)
	if err != nil {
		return page, err
	}
	defer s.Reset()
	from := q.Prefix
	if q.After >= from && q.After != "" {
		from = q.After + "\x00" // nothing lies between the two
	}
	if err := s.BindText(1, from); err != nil {
		return page, err
	}
	for size := 0; s.Step(); {
		key := s.ColumnText(len(columns))
		if !strings.HasPrefix(key, q.Prefix) {
			return page, nil
		}
		if len(page.Items) == limit || size > pageBytes {
			page.Next = page.Items[len(page.Items)-1].Key
			return page, nil
		}
		item := lockstore.Item{Key: key}
		item.Record, item.Err = decode(s)
		if item.Record != nil {
			size += len(item.Record.Data)
		}
		page.Items = append(page.Items, item)
	}
	return page, c.note(s.Err())
}

// An unknownError is a commit that failed in a way that may have left it done.
type unknownError struct{ error }

func (e *unknownError) Unwrap() error { return e.error }

// commit ends the transaction unless the caller has left meanwhile.
func (c *conn) commit(ctx context.Context, g *gate) error {
	if !g.commit() {
		return ended(ctx)
	}
	err := c.exec(commitSQL)
	if err == nil || errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.BUSY) {
		// Full: the commit is the last that is written, and is not there.
		return err
	}
	// It may be there, though the disk did not confirm it: other processes do
	// not see it, but it would come back if the machine crashed now.
	return &unknownError{err}
}

// rollback ends a transaction that did not commit. Where it fails, closing the
// connection does the same.
func (c *conn) rollback() {
	if !c.db.GetAutocommit() && c.exec(rollbackSQL) != nil {
		c.broken = true
	}
}

func (c *conn) close() error {
	if c == nil {
		return nil
	}
	for _, s := range c.stmts {
		s.Close() // repeats the error of its last run
	}
	return c.db.Close()
}
