package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

func TestKeyLimits(t *testing.T) {
	s := open(t, newFile(t))
	for _, key := range []string{"", strings.Repeat("x", 2049), "a\xff"} {
		_, err := s.Get(t.Context(), key, lockstore.Consistent)
		wantError(t, err, lockstore.ErrInvalidRequest, false)
		_, err = s.Write(t.Context(), key, lockstore.Write{})
		wantError(t, err, lockstore.ErrInvalidRequest, false)
	}
}

// The limit is the item's, so that what is not data counts too.
func TestDataLimit(t *testing.T) {
	s := open(t, newFile(t))
	const fits = 400<<10 - 1024 - len("k") - len("o")
	if err := set(t.Context(), s, "k", make([]byte, fits)); err != nil {
		t.Error(err)
	}
	wantError(t, set(t.Context(), s, "k", make([]byte, fits+1)), lockstore.ErrDataTooLarge, false)
}

func TestClosed(t *testing.T) {
	s, err := sqlitestore.Open(newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err = s.Get(t.Context(), "key", lockstore.Consistent)
	wantError(t, err, lockstore.ErrUnavailable, false)
	wantError(t, set(t.Context(), s, "key", nil), lockstore.ErrUnavailable, false)
	_, err = s.Scan(t.Context(), lockstore.Query{})
	if e := wantError(t, err, lockstore.ErrUnavailable, false); !strings.Contains(err.Error(), "closed") || e.Advice == "" {
		t.Error(err)
	}
}

// Close lets the calls under way end, each in one way or the other.
func TestCloseMeanwhile(t *testing.T) {
	path := newFile(t)
	s, err := sqlitestore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	const n = 8
	results := make(chan error, n)
	for i := range n {
		go func() {
			for {
				if err := set(context.Background(), s, fmt.Sprint(i), nil); err != nil {
					results <- err
					return
				}
				if _, err := s.Get(context.Background(), fmt.Sprint(i), lockstore.Consistent); err != nil {
					results <- err
					return
				}
			}
		}()
	}
	time.Sleep(20 * time.Millisecond) // real time: until they are under way
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range n {
		if err := <-results; !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	}
	checkIntegrity(t, path)
}

// A removed file lives on for those that have it open. They must not go on as
// if the others saw it.
func TestFileRemoved(t *testing.T) {
	for name, replace := range map[string]bool{"removed": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			s := open(t, path)
			if err := set(t.Context(), s, "key", []byte("old")); err != nil {
				t.Fatal(err)
			}
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.Rename(path+suffix, path+".old"+suffix); err != nil {
					t.Fatal(err)
				}
			}
			if replace {
				if got := get(t, open(t, path), "key"); got != nil {
					t.Fatalf("%q", got)
				}
			}
			_, err := s.Get(t.Context(), "key", lockstore.Consistent)
			wantError(t, err, lockstore.ErrTableNotFound, false)
			_, err = s.Scan(t.Context(), lockstore.Query{})
			wantError(t, err, lockstore.ErrTableNotFound, false)
			err = set(t.Context(), s, "key", []byte("new"))
			if e := wantError(t, err, lockstore.ErrTableNotFound, false); !strings.Contains(e.Advice, "open it again") {
				t.Error(err)
			}
			if got := string(get(t, open(t, path+".old"), "key")); got != "old" {
				t.Errorf("the old file has %q", got)
			}
		})
	}
}

// Somebody sets the clock while a call is made: what the store says must hold
// by the clock as it is after that.
func TestClockIsSet(t *testing.T) {
	at := time.Date(2031, 2, 3, 4, 5, 6, 789e6, time.FixedZone("east", 3600))
	for name, jump := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour, "not": 0} {
		t.Run(name, func(t *testing.T) {
			now := at
			s := open(t, newFile(t), sqlitestore.WithClock(func() time.Time {
				defer func() { now = now.Add(jump) }()
				return now
			}))
			for call, f := range map[string]func() (lockstore.TimeBounds, error){
				"get": func() (lockstore.TimeBounds, error) {
					res, err := s.Get(t.Context(), "key", lockstore.Consistent)
					return res.Time, err
				},
				"write": func() (lockstore.TimeBounds, error) {
					res, err := s.Write(t.Context(), "key", lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o")}})
					return res.Time, err
				},
				"scan": func() (lockstore.TimeBounds, error) {
					page, err := s.Scan(t.Context(), lockstore.Query{})
					return page.Time, err
				},
			} {
				now = at
				b, err := f()
				first, last := at, at.Add(jump)
				if last.Before(first) {
					first, last = last, first
				}
				// == also sees a monotonic reading and a time zone
				if err != nil || b.Earliest != first.UTC() || b.Latest != last.UTC() {
					t.Errorf("%s: got %v, %v, want %v to %v", call, b, err, first, last)
				}
			}
		})
	}
}

// What no change makes yet is kept by all of them.
func TestQueueAndRevoked(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	if err := set(t.Context(), s, "key", nil); err != nil {
		t.Fatal(err)
	}
	execute(t, path, `UPDATE locks SET queue = CAST('[{"id":"/wA=","owner":"YQ=="},{"id":"Yg==","owner":"","delete":true}]' AS BLOB), revoked = 3`)
	want := []lockstore.Waiter{{ID: "\xff\x00", Owner: "a"}, {ID: "b", DeleteOnRelease: true}}
	for range 2 {
		res, err := s.Write(t.Context(), "key", lockstore.Write{
			If: lockstore.All(lockstore.WaiterAt{Place: 0, ID: "\xff\x00"}, lockstore.NoWaiterAt(2)), Do: []lockstore.Change{lockstore.NextSeq{}},
		})
		if err != nil || !res.Applied || !reflect.DeepEqual(res.Record.Queue, want) || res.Record.Revoked != 3 {
			t.Errorf("%+v, %v", res, err)
		}
	}
}

// A row that something else made concerns nobody but who asks for it.
func TestMalformed(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	for _, key := range []string{"a", "b", "c"} {
		if err := set(t.Context(), s, key, nil); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, path, `UPDATE locks SET queue = CAST('no list' AS BLOB) WHERE key = 'b'`)
	_, err := s.Get(t.Context(), "b", lockstore.Consistent)
	wantError(t, err, lockstore.ErrMalformed, false)
	wantError(t, set(t.Context(), s, "b", nil), lockstore.ErrMalformed, false)
	page, err := s.Scan(t.Context(), lockstore.Query{})
	if err != nil || len(page.Items) != 3 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, item := range page.Items {
		if bad := item.Key == "b"; errors.Is(item.Err, lockstore.ErrMalformed) != bad || (item.Record == nil) != bad {
			t.Errorf("%+v", item)
		}
	}
	if err := set(t.Context(), s, "c", nil); err != nil {
		t.Error(err)
	}
}

// What a later version keeps beside ours survives our writes.
func TestUnknownColumns(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	if err := set(t.Context(), s, "key", nil); err != nil {
		t.Fatal(err)
	}
	execute(t, path, `ALTER TABLE locks ADD COLUMN later TEXT; UPDATE locks SET later = 'kept'`)
	for _, key := range []string{"key", "new"} {
		if err := set(t.Context(), s, key, []byte("data")); err != nil {
			t.Error(err)
		}
	}
	execute(t, path, `CREATE TABLE t (ok INTEGER CHECK (ok = 1)); INSERT INTO t SELECT count(*) FROM locks WHERE later = 'kept'`)
}

// A page is bounded by records and by bytes, and pages are found by their keys.
func TestScanPages(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	if err := set(t.Context(), s, "key", nil); err != nil {
		t.Fatal(err)
	}
	const small, large = 1100, 15
	fill(t, path, "small/", small, 10)
	fill(t, path, "large/", large, 100<<10)
	for prefix, want := range map[string]int{"small/": small, "large/": large, "": small + large + 1, "none": 0} {
		got, pages, last := 0, 1, ""
		for q := (lockstore.Query{Prefix: prefix, Limit: 1 << 30}); ; pages++ {
			page, err := s.Scan(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, item := range page.Items {
				if item.Key <= last || !strings.HasPrefix(item.Key, prefix) {
					t.Fatalf("%q after %q", item.Key, last)
				}
				last = item.Key
				size += len(item.Record.Data)
			}
			if len(page.Items) > sqlitestore.PageRecords || size > sqlitestore.PageBytes+100<<10 {
				t.Errorf("a page of %d records, %d bytes", len(page.Items), size)
			}
			got += len(page.Items)
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		if got != want || want > 0 && pages < 2 {
			t.Errorf("%q: %d records on %d pages", prefix, got, pages)
		}
	}
}

// fill makes n records like the one under "key", with data of that size.
func fill(t testing.TB, path, prefix string, n, size int) {
	t.Helper()
	execute(t, path, fmt.Sprintf(`CREATE TEMP TABLE copies AS SELECT * FROM locks WHERE key = 'key';
		CREATE TEMP TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n;
		CREATE TEMP TABLE many AS SELECT copies.*, i FROM copies, numbers;
		UPDATE many SET key = printf('%s%%06d', i), data = zeroblob(%d);
		ALTER TABLE many DROP COLUMN i;
		INSERT INTO locks SELECT * FROM many`, n, prefix, size))
}
