package sim

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A net is between a process and the table: each request takes its time, and
// so does its answer. No two things happen at the same nanosecond, so that the
// seed, and not the scheduler, orders them.
type net struct {
	p     *process
	inner lockstore.Store // with faults
	slow  time.Duration   // the longest way of a request in good times

	mu    sync.Mutex
	seed  uint64
	count map[string]uint64 // requests so far, by kind and key
	dead  bool
}

func (n *net) Info() lockstore.Info { return n.inner.Info() }

// ways draws how long a request and its answer travel, and by how much the
// server's clock is off: by which request about its key it is, so that two
// of one moment on two keys do not change each other.
func (n *net) ways(kind, key string) (there, back, skew time.Duration, dead bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	who := kind + key
	n.count[who]++
	h := fnv.New64a()
	h.Write([]byte(who))
	rng := rand.New(rand.NewPCG(n.seed+n.count[who], h.Sum64()))
	there, back = time.Duration(rng.Int64N(int64(n.slow)))+1, time.Duration(rng.Int64N(int64(n.slow)))+1
	if rng.IntN(64) == 0 {
		there += time.Duration(rng.Int64N(int64(20 * n.slow)))
	}
	if m := n.p.w.margin; m > 0 {
		skew = time.Duration(rng.Int64N(int64(2*m))) - m
	}
	return there, back, skew, n.dead
}

func (n *net) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = true
}

func (n *net) killed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead
}

func (n *net) fail(op string, cause error, unknown bool) error {
	return &lockstore.Error{Kind: lockstore.ErrUnavailable, Op: op, Scope: n.Info().Scope, Unknown: unknown, Err: cause}
}

func (n *net) Get(ctx context.Context, key string, how lockstore.Consistency) (lockstore.Result, error) {
	there, back, skew, dead := n.ways("get", key)
	if dead || pause(ctx, there) != nil || n.killed() {
		return lockstore.Result{}, n.fail("Get", context.Canceled, false)
	}
	r, err := n.inner.Get(ctx, key, how)
	if err := pause(ctx, back); err != nil {
		return lockstore.Result{}, n.fail("Get", err, false)
	}
	return shift(r, skew), err
}

func (n *net) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	n.p.w.oracle.sent(n.p, ctx, key, w)
	there, back, skew, dead := n.ways("write", key)
	if dead || pause(ctx, there) != nil || n.killed() {
		return lockstore.Result{}, n.fail("Write", context.Canceled, false)
	}
	r, err := n.inner.Write(ctx, key, w)
	if late := pause(ctx, back); late != nil {
		return lockstore.Result{}, n.fail("Write", late, true)
	}
	return shift(r, skew), err
}

func (n *net) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	return n.inner.Scan(ctx, q)
}

// shift is the answer of a server whose clock is off by d.
func shift(r lockstore.Result, d time.Duration) lockstore.Result {
	if r.Time.Known() {
		r.Time.Earliest, r.Time.Latest = r.Time.Earliest.Add(d), r.Time.Latest.Add(d)
	}
	return r
}

// pause lets d go by, or the context end.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
