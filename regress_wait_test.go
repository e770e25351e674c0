package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Regressions of waiting, of options and of listing.

// WaitFor was only looked at between requests. While they hung, a wait of one
// second took up to twenty.
func TestRegress_WaitForOutlastedByItsRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		hangs faultstore.Match
		want  error
	}{
		"all hang":   {faultstore.Match{}, dynalock.ErrUnavailable},
		"reads hang": {faultstore.Match{Op: faultstore.OpGet}, dynalock.ErrHeld},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.machine("a"), w.machine("b")
				b.take("k")
				a.net.On(tt.hangs, faultstore.BlackHole())
				began := time.Now()
				l, err := a.AcquireLock(background, "k", dynalock.WaitFor(time.Second))
				if took := time.Since(began); took != time.Second {
					w.t.Errorf("took %v", took)
				}
				if l != nil || !errors.Is(err, tt.want) || errors.Is(err, context.DeadlineExceeded) {
					w.t.Error(l, err)
				}
			})
		})
	}
}

// The lease of LeaseFromContext was counted from the beginning of the call. If
// the call waited, the lease ended that much after the context's deadline.
func TestRegress_LeaseFromContextGrewByTheWait(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.machine("a"), w.machine("b")
		ctx, cancel := context.WithTimeout(background, time.Minute)
		defer cancel()
		l := a.take("k")
		next := b.wait(ctx, "k", dynalock.Wait(), dynalock.LeaseFromContext(ctx, time.Second))
		pass(50 * time.Second)
		if err := l.Release(background); err != nil {
			w.t.Fatal(err)
		}
		deadline, _ := ctx.Deadline()
		got := next.within(w.t, 2*time.Second)
		if over := got.Deadline().Sub(deadline); over < 900*time.Millisecond || over > time.Second {
			w.t.Errorf("the lease ends %v after the context", over)
		}
	})
}

// A call's WithoutLease put the client's KeepAlive out of force and, of its
// HoldAtMost, only the word: the lock was still lost after that time.
func TestRegress_HoldAtMostOfTheDefaultsStayed(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.machine("a", dynalock.WithDefaults(dynalock.KeepAlive(), dynalock.HoldAtMost(time.Minute)))
		l := a.take("k", dynalock.WithoutLease())
		pass(2 * time.Minute)
		if !l.Held() || !l.Deadline().IsZero() {
			w.t.Errorf("%v, until %v", l.Err(), l.Deadline())
		}
	})
}

// Locks entered each key that it listed among those which the client remembers
// for its acquires, and that for as long as the client lives.
func TestRegress_ListingFilledTheMemory(t *testing.T) {
	const keys = 10_000
	table := memstore.New()
	holder := dynalock.New(table, dynalock.WithLockOwnerName("a"))
	if _, err := holder.AcquireLock(background, "k"); err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		table.Put(fmt.Sprint("k", i), table.Peek("k"))
	}
	reader := dynalock.New(table)
	before := heap()
	listed := 0
	for _, err := range reader.Locks(background) {
		if err != nil {
			t.Fatal(err)
		}
		listed++
	}
	grown := heap() - before
	runtime.KeepAlive(reader)
	if listed != keys+1 || grown > keys*20 {
		t.Errorf("%d bytes more after listing %d locks", grown, listed)
	}
}

// heap is how much memory is in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
