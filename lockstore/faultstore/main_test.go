package faultstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rig is a table and a faulty way to it, in a bubble with fake time.
type rig struct {
	*testing.T
	mem *memstore.Store
	fs  *faultstore.Store
}

// bubble runs f with fake time; the bubble itself fails the test if Close
// leaves a goroutine.
func bubble(t *testing.T, f func(r rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		r := rig{T: t, mem: mem, fs: faultstore.New(mem)}
		defer r.fs.Close()
		f(r)
	})
}

// acquire and the others are the protocol's steps, cut to what matters here.
func acquire(nonce string) lockstore.Write {
	return lockstore.Write{
		If: lockstore.Any(lockstore.Case{lockstore.Absent{}}, lockstore.Case{lockstore.Released{}}),
		Do: []lockstore.Change{
			lockstore.SetOwner("o"), lockstore.SetNonce(nonce), lockstore.NextToken(10),
			lockstore.SetSeq(1), lockstore.SetExpires(time.Now().Add(time.Minute)), lockstore.SetReleased(false),
		},
	}
}

func renew() lockstore.Write {
	return lockstore.Write{If: lockstore.All(lockstore.Exists{}), Do: []lockstore.Change{
		lockstore.NextSeq{}, lockstore.SetExpires(time.Now().Add(time.Minute)),
	}}
}

func resume() lockstore.Write {
	w := renew()
	w.Do = append(w.Do, lockstore.SetNonce("next"), lockstore.NextToken(10))
	return w
}

func update(data string) lockstore.Write {
	return lockstore.Write{Do: []lockstore.Change{lockstore.NextSeq{}, lockstore.SetData{Bytes: []byte(data)}}}
}

func release() lockstore.Write {
	return lockstore.Write{Do: []lockstore.Change{lockstore.NextSeq{}, lockstore.SetReleased(true), lockstore.SetExpires{}}}
}

func (r rig) write(w lockstore.Write) (lockstore.Result, error) {
	return r.fs.Write(r.Context(), "k", w)
}

// must makes a write that meets no fault.
func (r rig) must(w lockstore.Write) {
	r.Helper()
	if res, err := r.write(w); err != nil || !res.Applied {
		r.Fatalf("write: %+v, %v", res, err)
	}
}

// seq is the record's number of writes at the store; 0: there is none.
func (r rig) seq() int64 {
	if rec := r.mem.Peek("k"); rec != nil {
		return rec.Seq
	}
	return 0
}

func (r rig) wantSeq(want int64) {
	r.Helper()
	if got := r.seq(); got != want {
		r.Fatalf("the store has seq %d, want %d", got, want)
	}
}

// wantErr checks an error's kind, cause and what it says about the outcome.
func (r rig) wantErr(err, kind, cause error, unknown bool) {
	r.Helper()
	e, ok := errors.AsType[*lockstore.Error](err)
	if !ok || !errors.Is(err, kind) || !errors.Is(err, cause) || e.Unknown != unknown {
		r.Fatalf("got %v (%+v), want %v because of %v, unknown %v", err, e, kind, cause, unknown)
	}
}

// took checks how long f took, to the nanosecond.
func (r rig) took(want time.Duration, f func()) {
	r.Helper()
	start := time.Now()
	f()
	if got := time.Since(start); got != want {
		r.Fatalf("took %v, want %v", got, want)
	}
}

func (r rig) timeout(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(r.Context(), d)
	r.Cleanup(cancel)
	return ctx
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

var once = faultstore.Match{Times: 1}
