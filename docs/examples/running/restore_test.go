// What docs/running.md says of tables and keys.
package running_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A restored item brings its old token back, and the next one is lower than
// what was given meanwhile. After its deletion tokens are above all again.
func TestRestoredTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := memstore.New()
		client := dynalock.New(table)
		next := func(c *dynalock.Client) uint64 {
			lock, err := c.AcquireLock(t.Context(), "account/7")
			if err != nil {
				t.Fatal(err)
			}
			if err := lock.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			return lock.Token()
		}
		next(client)
		backup := table.Peek("account/7")
		var last uint64
		for range 3 {
			time.Sleep(time.Hour)
			last = next(client)
		}

		table.Put("account/7", backup) // for programs that begin anew then
		restarted := dynalock.New(table)
		if restored := next(restarted); restored >= last {
			t.Errorf("token %d after the restore, %d before: the page is too careful", restored, last)
		}
		table.Remove("account/7")
		emptied := dynalock.New(table)
		if fresh := next(emptied); fresh <= last {
			t.Errorf("token %d in an empty table, %d before", fresh, last)
		}
		for _, c := range []*dynalock.Client{client, restarted, emptied} {
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
