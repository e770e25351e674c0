package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A rig is what one test works with: two handles on one table.
type rig struct {
	*testing.T
	h      Harness
	stores [2]lockstore.Store
}

// keys counts, so that no two tests meet in one table.
var keys atomic.Int64

func (r *rig) on(t *testing.T) *rig {
	return &rig{T: t, h: r.h, stores: r.stores}
}

func (r *rig) key() string { return fmt.Sprintf("storetest/%d", keys.Add(1)) }

// sub runs f as a subtest.
func (r *rig) sub(name string, f func(r *rig)) {
	r.Helper()
	r.Run(name, func(t *testing.T) { f(r.on(t)) })
}

// bothWays runs f with each handle as the one that acts, and the other one as
// the one that looks.
func (r *rig) bothWays(f func(actor, other lockstore.Store)) {
	r.Helper()
	f(r.stores[0], r.stores[1])
	f(r.stores[1], r.stores[0])
}

// try makes a write and tries again where the store was only too busy.
func (r *rig) try(s lockstore.Store, key string, w lockstore.Write) (lockstore.Result, error) {
	for i := 0; ; i++ {
		res, err := s.Write(r.Context(), key, w)
		if !errors.Is(err, lockstore.ErrThrottled) || i == 50 {
			return res, err
		}
		time.Sleep(20 * time.Millisecond) // real time: the store throttles
	}
}

// write makes a write that must not fail, though its condition may.
func (r *rig) write(s lockstore.Store, key string, w lockstore.Write) lockstore.Result {
	r.Helper()
	res, err := r.try(s, key, w)
	if err != nil {
		r.Fatalf("write %q: %v", key, err)
	}
	return res
}

// build makes a record by one unconditional write.
func (r *rig) build(s lockstore.Store, key string, do ...lockstore.Change) {
	r.Helper()
	if res := r.write(s, key, lockstore.Write{Do: do}); !res.Applied {
		r.Fatalf("write %q: the answer says not applied, though there was no condition", key)
	}
}

// get reads consistently.
func (r *rig) get(s lockstore.Store, key string) *lockstore.Record {
	r.Helper()
	res, err := s.Get(r.Context(), key, lockstore.Consistent)
	if err != nil {
		r.Fatalf("get %q: %v", key, err)
	}
	if res.Applied {
		r.Errorf("get %q: Applied is for writes", key)
	}
	return res.Record
}

// wantStored checks a write's answer, and that the other handle sees the same.
func (r *rig) wantStored(other lockstore.Store, key string, res lockstore.Result, applied bool, want *lockstore.Record) {
	r.Helper()
	if res.Applied != applied {
		r.Errorf("%q: applied %v, want %v", key, res.Applied, applied)
	}
	r.wantRecord("the answer", res.Record, want)
	r.wantRecord("a consistent read after it", r.get(other, key), want)
}

func (r *rig) wantRecord(what string, got, want *lockstore.Record) {
	r.Helper()
	if d := diff(got, want); d != "" {
		r.Errorf("%s: %s", what, d)
	}
}

// wantEnded checks the error of a call whose context ended.
func (r *rig) wantEnded(what string, err, cause error) *lockstore.Error {
	r.Helper()
	e, ok := errors.AsType[*lockstore.Error](err)
	if !ok || !errors.Is(err, lockstore.ErrUnavailable) || !errors.Is(err, cause) {
		r.Fatalf("%s: got %v, want a *lockstore.Error of the kind ErrUnavailable caused by %v", what, err, cause)
	}
	return e
}

// ended are contexts that have ended, by what their Err is.
func (r *rig) ended() map[error]context.Context {
	cancelled, cancel := context.WithCancel(r.Context())
	cancel()
	late, cancel := context.WithDeadline(r.Context(), time.Now().Add(-time.Second))
	r.Cleanup(cancel)
	return map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late}
}
