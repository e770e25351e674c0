package sqlitestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A model is what a file should hold.
type model map[string]*lockstore.Record

// step is the i-th of a row of random writes that two processes can know
// without telling each other. About every second condition holds.
func step(seed uint64, i int) (key string, w lockstore.Write) {
	r := rand.New(rand.NewPCG(seed, uint64(i)))
	key = fmt.Sprint("key ", r.IntN(6))
	n := lockstore.Nonce(fmt.Sprint("nonce ", r.IntN(3)))
	switch r.IntN(8) {
	case 0:
		return key, lockstore.Write{If: lockstore.All(lockstore.NonceIs(n)), Delete: true}
	case 1, 2:
		return key, lockstore.Write{If: lockstore.All(lockstore.Exists{}), Do: []lockstore.Change{lockstore.SetSeq(int64(i) + 1), lockstore.SetReleased(i%2 == 0)}}
	case 3:
		w.If = lockstore.Any(lockstore.Case{lockstore.Absent{}}, lockstore.Case{lockstore.NonceNot(n)})
	case 4:
		w.If = lockstore.All(lockstore.NotReleased{}, lockstore.NonceNot(n))
	}
	data := make([]byte, []int{0, 10, 300, 5000, 30_000}[r.IntN(5)])
	for j := range data {
		data[j] = byte(r.Uint32())
	}
	w.Do = []lockstore.Change{
		lockstore.SetOwner(fmt.Sprint("step ", i)), lockstore.SetNonce(n), lockstore.NextToken(1), lockstore.SetSeq(int64(i) + 1),
		lockstore.SetExpires(time.UnixMilli(int64(i))), lockstore.SetData{Bytes: data}, lockstore.KeepQueue{},
		lockstore.SetLast{Nonce: n, How: lockstore.HowForced, By: "model"},
	}
	return key, w
}

// apply makes a step and says what the store has to answer.
func (m model) apply(t testing.TB, seed uint64, i int) (applied bool) {
	t.Helper()
	key, w := step(seed, i)
	ok, err := w.If.Holds(m[key])
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return false
	}
	r, err := w.Apply(m[key])
	if err != nil {
		t.Fatal(err)
	}
	if m[key] = r; r == nil {
		delete(m, key)
	}
	return true
}

// contents reads all that is in a store.
func contents(t testing.TB, s lockstore.Store) model {
	t.Helper()
	m := model{}
	for q := (lockstore.Query{}); ; {
		page, err := s.Scan(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if item.Err != nil {
				t.Fatal(item.Err)
			}
			m[item.Key] = item.Record
		}
		if q.After = page.Next; q.After == "" {
			return m
		}
	}
}

func (m model) equal(other model) bool { return reflect.DeepEqual(m, other) }

func (m model) String() string {
	var text string
	for key, r := range m {
		text += fmt.Sprintf("%s: %s, token %d, seq %d, %d bytes; ", key, r.Owner, r.Token, r.Seq, len(r.Data))
	}
	return text
}

// checkIntegrity asks SQLite whether the file is sound, by its own means.
func checkIntegrity(t testing.TB, path string) {
	t.Helper()
	db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
		t.Fatal(err)
	}
	if err := db.BusyTimeout(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	s, _, err := db.Prepare("PRAGMA integrity_check")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Step() {
		if got := s.ColumnText(0); got != "ok" {
			t.Errorf("integrity_check: %s", got)
		}
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}
