package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/storetest"
	"github.com/kmdeveloping/dynalock/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A mutant is a store with one fault in it. Each hook may be nil.
type mutant struct {
	*memstore.Store
	key    func(string) string
	before func(*lockstore.Write)
	after  func(w lockstore.Write, res *lockstore.Result, err *error)
	scan   func(q *lockstore.Query) func(*lockstore.Page)
	raw    bool // reads before it writes, in two steps
	deaf   bool // does not look at contexts
	late   bool // the write goes on after the context, which it does not say
}

func (m mutant) name(key string) string {
	if m.key != nil {
		return m.key(key)
	}
	return key
}

func (m mutant) Get(ctx context.Context, key string, read lockstore.Consistency) (lockstore.Result, error) {
	if m.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	res, err := m.Store.Get(ctx, m.name(key), read)
	if m.after != nil {
		m.after(lockstore.Write{}, &res, &err)
	}
	return res, err
}

func (m mutant) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	if m.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	key = m.name(key)
	if m.before != nil {
		w.Do = append([]lockstore.Change(nil), w.Do...)
		m.before(&w)
	}
	if m.raw {
		if ok, err := w.If.Holds(m.Peek(key)); ok && err == nil {
			time.Sleep(100 * time.Microsecond) // real time: a race window
			w.If = nil
		}
	}
	res, err := m.Store.Write(ctx, key, w)
	if _, ends := ctx.Deadline(); ends && m.late && err == nil {
		time.Sleep(time.Millisecond) // real time: the deadline passes
		if ctx.Err() != nil {
			res, err = lockstore.Result{}, &lockstore.Error{Kind: lockstore.ErrUnavailable, Err: ctx.Err()}
		}
	}
	if m.after != nil {
		m.after(w, &res, &err)
	}
	return res, err
}

func (m mutant) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	if m.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	edit := func(*lockstore.Page) {}
	if m.scan != nil {
		edit = m.scan(&q)
	}
	page, err := m.Store.Scan(ctx, q)
	edit(&page)
	return page, err
}

// TestMutant is what TestSuiteCatches runs in a process of its own, where it
// may fail.
func TestMutant(t *testing.T) {
	m, ok := mutants[os.Getenv("STORETEST_MUTANT")]
	if !ok {
		return // TestSuiteCatches runs it
	}
	storetest.Run(t, storetest.Harness{
		Open: func(*testing.T) (a, b lockstore.Store) {
			s := m()
			s.Store = memstore.New()
			return s, s
		},
		HasTime:       true,
		TimeTolerance: 100 * time.Millisecond, // for clocks that are set meanwhile
		TooLarge:      400 << 10,
		Seed:          1,
	})
}

// topLevel finds the tests of the suite that failed.
var topLevel = regexp.MustCompile(`FAIL: TestMutant/\w+ `)

// A suite is worth what it catches.
func TestSuiteCatches(t *testing.T) {
	for name := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), "STORETEST_MUTANT="+name)
			out, err := cmd.CombinedOutput()
			failed := strings.Contains(string(out), "--- FAIL: TestMutant/")
			if (name == "none") == (failed || err != nil) {
				t.Errorf("failed: %v, %v\n%s", failed, err, out)
			}
			t.Log("caught by", topLevel.FindAllString(string(out), -1))
		})
	}
}
