package sqlitestore

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A raw row has what a STRICT table lets anybody put into its columns: one text,
// one blob and the numbers in turn, or NULL where a column takes that.
type raw struct {
	text    string
	blob    []byte
	queue   []byte
	numbers [3]int64
	null    uint32 // columns by bit
}

func (r *raw) bind(s *sqlite3.Stmt) error {
	for i, c := range columns {
		var err error
		switch {
		case r.null&(1<<i) != 0 && (c.decl == "INTEGER" || c.decl == "BLOB"):
			err = s.BindNull(i + 1)
		case c.decl == "TEXT NOT NULL":
			err = s.BindText(i+1, r.text)
		case c.name == "queue":
			err = s.BindBlob(i+1, r.queue)
		case c.decl == "BLOB" || c.decl == "BLOB NOT NULL":
			err = s.BindBlob(i+1, r.blob)
		default:
			err = s.BindInt64(i+1, r.numbers[i%len(r.numbers)])
		}
		if err != nil {
			return err
		}
	}
	return s.BindText(len(columns)+1, "key")
}

// Whatever is in a row, reading it gives a record that keeps its promises, or
// ErrMalformed; and a record that was read is written as a row that reads the same.
func FuzzRow(f *testing.F) {
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		f.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(createSQL); err != nil {
		f.Fatal(err)
	}
	c := &conn{db: db, stmts: map[string]*sqlite3.Stmt{}}
	queue := encodeQueue([]lockstore.Waiter{{ID: "0123456789abcdef", Owner: "w\xff", DeleteOnRelease: true}, {}})
	for _, q := range [][]byte{queue, []byte("null"), []byte("[]"), []byte("[null,{}]"), []byte(`[{"id":"?"}]`), nil, []byte("[[")} {
		f.Add("o", []byte("0123456789abcdef"), q, int64(0), int64(1), int64(1e12), uint32(0))
		f.Add("", []byte{}, q, int64(-1), int64(math.MaxInt64), int64(math.MinInt64), uint32(math.MaxUint32))
	}
	f.Fuzz(func(t *testing.T, text string, blob, queue []byte, n0, n1, n2 int64, null uint32) {
		r := &raw{text, blob, queue, [3]int64{n0, n1, n2}, null}
		s, err := c.stmt(upsertSQL)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.bind(s), s.Exec()); err != nil {
			t.Fatal(err)
		}
		rec, err := c.load("key")
		if err != nil {
			if _, kind := diagnose(err); kind != lockstore.ErrMalformed || rec != nil {
				t.Fatalf("%+v: %v", rec, err)
			}
			return
		}
		if rec.Lease < 0 || rec.Token < 0 || rec.Seq < 0 || rec.Revoked < 0 {
			t.Fatalf("%+v", rec)
		}
		for _, at := range []time.Time{rec.Since, rec.Expires, rec.TTL, rec.Hold} {
			if _, err := at.MarshalJSON(); err != nil {
				t.Fatalf("%+v: %v", rec, err)
			}
		}
		if err := c.store("key", rec); err != nil {
			t.Fatal(err)
		}
		if again, err := c.load("key"); err != nil || !reflect.DeepEqual(again, rec) {
			t.Fatalf("written as %+v, %v\nwant %+v", again, err, rec)
		}
	})
}
