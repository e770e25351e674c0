package sqlitestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
)

var errMalformed = errors.New("this row was not written by dynalock")

// A row is a record as the columns see it.
type row struct {
	lockstore.Record
	last  lockstore.Last // zero: none
	queue []byte         // JSON; nil: none
}

// A column keeps one part of a row. What is absent is NULL where zero would be
// a value of its own.
type column struct {
	name, decl string
	bind       func(s *sqlite3.Stmt, i int, r *row) error
	read       func(s *sqlite3.Stmt, i int, r *row)
}

// columns are all but the key. An upsert names them one by one, so that one
// that a later version adds keeps what it has.
var columns = []column{
	text("owner", func(r *row) *string { return &r.Owner }),
	octets("nonce", func(r *row) *lockstore.Nonce { return &r.Nonce }),
	number("token", func(r *row) *int64 { return &r.Token }),
	number("seq", func(r *row) *int64 { return &r.Seq }),
	moment("since_ms", func(r *row) *time.Time { return &r.Since }),
	{
		"lease_ms", "INTEGER NOT NULL",
		func(s *sqlite3.Stmt, i int, r *row) error { return s.BindInt64(i, r.Lease.Milliseconds()) },
		func(s *sqlite3.Stmt, i int, r *row) { r.Lease = time.Duration(s.ColumnInt64(i)) * time.Millisecond },
	},
	moment("expires_ms", func(r *row) *time.Time { return &r.Expires }),
	moment("ttl_ms", func(r *row) *time.Time { return &r.TTL }),
	flag("released", func(r *row) *bool { return &r.Released }),
	flag("delete_on_release", func(r *row) *bool { return &r.DeleteOnRelease }),
	moment("hold_ms", func(r *row) *time.Time { return &r.Hold }),
	flag("ended", func(r *row) *bool { return &r.Ended }),
	blob("data", func(r *row) *[]byte { return &r.Data }),
	flag("sealed", func(r *row) *bool { return &r.Sealed }),
	text("session", func(r *row) *string { return &r.Session }),
	blob("queue", func(r *row) *[]byte { return &r.queue }),
	octets("last_nonce", func(r *row) *lockstore.Nonce { return &r.last.Nonce }),
	text("last_how", func(r *row) *lockstore.How { return &r.last.How }),
	text("last_by", func(r *row) *string { return &r.last.By }),
	number("revoked", func(r *row) *int64 { return &r.Revoked }),
}

var leaseColumn = slices.IndexFunc(columns, func(c column) bool { return c.name == "lease_ms" })

func text[T ~string](name string, field func(*row) *T) column {
	return column{
		name, "TEXT NOT NULL",
		func(s *sqlite3.Stmt, i int, r *row) error { return s.BindText(i, string(*field(r))) },
		func(s *sqlite3.Stmt, i int, r *row) { *field(r) = T(s.ColumnText(i)) },
	}
}

// octets are bytes that are no text and cannot be absent.
func octets[T ~string](name string, field func(*row) *T) column {
	return column{
		name, "BLOB NOT NULL",
		func(s *sqlite3.Stmt, i int, r *row) error { return s.BindBlob(i, []byte(*field(r))) },
		func(s *sqlite3.Stmt, i int, r *row) { *field(r) = T(s.ColumnRawBlob(i)) },
	}
}

func number(name string, field func(*row) *int64) column {
	return column{
		name, "INTEGER NOT NULL",
		func(s *sqlite3.Stmt, i int, r *row) error { return s.BindInt64(i, *field(r)) },
		func(s *sqlite3.Stmt, i int, r *row) { *field(r) = s.ColumnInt64(i) },
	}
}

func flag(name string, field func(*row) *bool) column {
	return column{
		name, "INTEGER NOT NULL",
		func(s *sqlite3.Stmt, i int, r *row) error { return s.BindBool(i, *field(r)) },
		func(s *sqlite3.Stmt, i int, r *row) { *field(r) = s.ColumnBool(i) },
	}
}

func moment(name string, field func(*row) *time.Time) column {
	return column{
		name, "INTEGER",
		func(s *sqlite3.Stmt, i int, r *row) error {
			if field(r).IsZero() {
				return s.BindNull(i)
			}
			return s.BindInt64(i, field(r).UnixMilli())
		},
		func(s *sqlite3.Stmt, i int, r *row) {
			if s.ColumnType(i) != sqlite3.NULL {
				*field(r) = time.UnixMilli(s.ColumnInt64(i)).UTC()
			}
		},
	}
}

// blob tells nil from empty.
func blob(name string, field func(*row) *[]byte) column {
	return column{
		name, "BLOB",
		func(s *sqlite3.Stmt, i int, r *row) error {
			if *field(r) == nil {
				return s.BindNull(i)
			}
			return s.BindBlob(i, *field(r))
		},
		func(s *sqlite3.Stmt, i int, r *row) {
			if s.ColumnType(i) != sqlite3.NULL {
				*field(r) = s.ColumnBlob(i, []byte{})
			}
		},
	}
}

// encode binds r to the first parameters of a statement.
func encode(s *sqlite3.Stmt, rec *lockstore.Record) error {
	r := row{Record: *rec}
	if rec.Last != nil {
		r.last = *rec.Last
	}
	if rec.Queue != nil {
		r.queue = encodeQueue(rec.Queue)
	}
	for i, c := range columns {
		if err := c.bind(s, i+1, &r); err != nil {
			return err
		}
	}
	return nil
}

// decode reads the first columns of a statement's current row.
func decode(s *sqlite3.Stmt) (*lockstore.Record, error) {
	var r row
	for i, c := range columns {
		c.read(s, i, &r)
	}
	if !sound(s, &r) {
		return nil, errMalformed
	}
	if r.last != (lockstore.Last{}) {
		r.Last = &r.last
	}
	if r.queue != nil {
		var err error
		if r.Queue, err = decodeQueue(r.queue); err != nil {
			return nil, fmt.Errorf("%w: %w", errMalformed, err)
		}
	}
	return &r.Record, nil
}

// maxTime is the end of the year 9999: neither JSON nor differences of times
// beyond work.
var maxTime = time.Date(9999, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC)

// sound reports whether the numbers of a row can be a record's: a lease that
// overflows would be a short one, or none.
func sound(s *sqlite3.Stmt, r *row) bool {
	for _, n := range []int64{r.Token, r.Seq, r.Revoked, int64(r.Lease)} {
		if n < 0 {
			return false
		}
	}
	for _, at := range []time.Time{r.Since, r.Expires, r.TTL, r.Hold} {
		if at.Before(time.Time{}) || at.After(maxTime) {
			return false
		}
	}
	return r.Lease.Milliseconds() == s.ColumnInt64(leaseColumn)
}

// A waiter is a queue's entry in JSON, whose strings cannot hold any bytes.
type waiter struct {
	ID     []byte `json:"id"`
	Owner  []byte `json:"owner"`
	Delete bool   `json:"delete,omitempty"`
}

func encodeQueue(queue []lockstore.Waiter) []byte {
	list := make([]waiter, len(queue))
	for i, w := range queue {
		list[i] = waiter{[]byte(w.ID), []byte(w.Owner), w.DeleteOnRelease}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // these types cannot fail
	}
	return text
}

func decodeQueue(text []byte) ([]lockstore.Waiter, error) {
	var list []waiter
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("the queue: %w", err)
	}
	queue := make([]lockstore.Waiter, len(list))
	for i, w := range list {
		queue[i] = lockstore.Waiter{ID: lockstore.Nonce(w.ID), Owner: string(w.Owner), DeleteOnRelease: w.Delete}
	}
	return queue, nil
}

// The statements name the columns in their order, and the key after them.
var (
	createSQL = "CREATE TABLE locks (" + join(func(c column) string { return c.name + " " + c.decl }) +
		", key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"
	selectSQL = "SELECT " + join(name) + " FROM locks WHERE key = ?"
	scanSQL   = "SELECT " + join(name) + ", key FROM locks WHERE key >= ? ORDER BY key"
	upsertSQL = "INSERT INTO locks (" + join(name) + ", key) VALUES (" + join(func(column) string { return "?" }) + ", ?)" +
		" ON CONFLICT (key) DO UPDATE SET " + join(func(c column) string { return c.name + " = excluded." + c.name })
)

func name(c column) string { return c.name }

func join(part func(column) string) string {
	var parts []string
	for _, c := range columns {
		parts = append(parts, part(c))
	}
	return strings.Join(parts, ", ")
}
