package cli

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A meter counts the lines that it is given, and looks at the memory in use
// now and then.
type meter struct {
	lines int
	most  uint64
	next  int
}

func (m *meter) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' {
			m.lines++
		}
	}
	if m.lines >= m.next {
		m.next += 20_000
		m.most = max(m.most, inUse())
	}
	return len(p), nil
}

func inUse() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

const (
	manyLocks  = 100_000
	memoryRoom = 8 << 20 // a page of locks and buffers
)

// A longTable has many locks and keeps none of them: pages are made when they
// are asked for.
type longTable struct{ *memstore.Store }

func (longTable) Scan(_ context.Context, q lockstore.Query) (lockstore.Page, error) {
	from := 0
	if q.After != "" {
		if _, err := fmt.Sscanf(q.After, "jobs/%d", &from); err != nil {
			return lockstore.Page{}, err
		}
	}
	var page lockstore.Page
	for n := from; n < min(from+1000, manyLocks); n++ {
		page.Items = append(page.Items, lockstore.Item{Key: fmt.Sprintf("jobs/%06d", n), Record: &lockstore.Record{
			Owner: "worker", Nonce: lockstore.Nonce(fmt.Sprintf("%016d", n)), Token: int64(n + 1), Seq: 1,
		}})
	}
	if from += 1000; from < manyLocks {
		page.Next = fmt.Sprintf("jobs/%06d", from)
	}
	return page, nil
}

// TestListIsConstantMemory: ls of 100,000 locks keeps none of them.
func TestListIsConstantMemory(t *testing.T) {
	for _, args := range [][]string{{"ls"}, {"ls", "--json"}} {
		m := &meter{}
		env := System()
		env.Stdout = m
		env.open = func(_ context.Context, _ *app, _ storeSpec, opts []dynalock.ClientOption) (*opened, error) {
			store := longTable{memstore.New()}
			return &opened{Client: dynalock.New(store, opts...), close: func() error { return nil }}, nil
		}
		before := inUse()
		if code := Main(args, env); code != 0 {
			t.Fatalf("%v: exit code %d", args, code)
		}
		if m.lines < manyLocks || m.most > before+memoryRoom {
			t.Errorf("%v: %d lines, and %d KB more than the %d KB before", args, m.lines, (int64(m.most)-int64(before))>>10, before>>10)
		}
	}
}
