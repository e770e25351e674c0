package dynalock_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/clocktest"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// inWorld runs f in a bubble, with a table of its own.
func inWorld(t *testing.T, f func(w *world), opts ...memstore.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newWorld(t, opts...)) })
}

// connect gives a client over a connection that the test made, and through
// what the test puts in front of it. Nil: nothing.
func (w *world) connect(owner string, net *faultstore.Store, front func(lockstore.Store) lockstore.Store, opts ...dynalock.ClientOption) *machine {
	w.t.Helper()
	m := &machine{t: w.t, net: net, clock: clocktest.New()}
	store := lockstore.Store(m.net)
	if front != nil {
		store = front(store)
	}
	m.Client = dynalock.New(&hook.Store{Store: store, Now: m.clock.Now},
		append([]dynalock.ClientOption{dynalock.WithLockOwnerName(owner)}, opts...)...)
	w.t.Cleanup(m.crash)
	return m
}

// A deaf store does not notice that a call's context ends.
type deaf struct{ lockstore.Store }

func (d deaf) Get(ctx context.Context, key string, how lockstore.Consistency) (lockstore.Result, error) {
	return d.Store.Get(context.WithoutCancel(ctx), key, how)
}

func (d deaf) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	return d.Store.Write(context.WithoutCancel(ctx), key, w)
}

// pass lets time go by, and everything that is due happen.
func pass(d time.Duration) {
	time.Sleep(d) // fake time: only bubbles call it
	synctest.Wait()
}

// seconds is a random duration between the two, to the microsecond.
func seconds(rng *rand.Rand, least, most float64) time.Duration {
	return time.Duration((least+rng.Float64()*(most-least))*1e6) * time.Microsecond
}

// A waiting is an acquire under way in the background.
type waiting struct {
	got     chan struct{} // closed when it ended
	lock    *dynalock.Lock
	err     error
	at      time.Time
	watched bool
}

// wait begins to acquire.
func (m *machine) wait(ctx context.Context, key string, opts ...dynalock.AcquireOption) *waiting {
	w := &waiting{got: make(chan struct{})}
	go func() {
		defer close(w.got)
		w.lock, w.err = m.AcquireLock(ctx, key, opts...)
		w.at = time.Now()
	}()
	return w
}

func (w *waiting) over() bool { return isClosed(w.got) }

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// within fails the test unless the acquire ends with a lock in that time.
func (w *waiting) within(t *testing.T, d time.Duration) *dynalock.Lock {
	t.Helper()
	if !w.over() {
		select {
		case <-w.got:
		case <-time.After(d):
			t.Fatalf("no lock after %v", d)
		}
	}
	if w.err != nil {
		t.Fatal(w.err)
	}
	return w.lock
}

// An oracle watches that no two handles believe that they hold. What a frozen
// machine believes is judged when it thaws: until then it does nothing.
type oracle struct {
	t       *testing.T
	mu      sync.Mutex
	handles []judged
}

type judged struct {
	m *machine
	l *dynalock.Lock
}

// add makes the oracle watch a handle.
func (o *oracle) add(m *machine, l *dynalock.Lock) *dynalock.Lock {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handles = append(o.handles, judged{m, l})
	return l
}

// check gives those who believe now. A belief never comes back, so handles
// that have ended are forgotten.
func (o *oracle) check() []*dynalock.Lock {
	o.mu.Lock()
	defer o.mu.Unlock()
	var believe []*dynalock.Lock
	kept := o.handles[:0]
	for _, h := range o.handles {
		switch {
		case h.m.clock.StandsStill():
			kept = append(kept, h)
		case h.l.Held():
			kept = append(kept, h)
			believe = append(believe, h.l)
		}
	}
	o.handles = kept
	for _, l := range believe[min(1, len(believe)):] {
		if o.t.Failed() {
			break // once is enough
		}
		if l.Token() != believe[0].Token() { // one tenure may have several handles
			o.t.Errorf("%v: two believe: %v and %v", time.Now().Format("15:04:05.000"), believe[0], l)
		}
	}
	return believe
}

// pass lets time go by and judges every 10 ms.
func (o *oracle) pass(d time.Duration) {
	o.t.Helper()
	for end := time.Now().Add(d); ; {
		o.check()
		left := time.Until(end)
		if left <= 0 || o.t.Failed() {
			return
		}
		pass(min(left, 10*time.Millisecond))
	}
}

// passWith is pass that also watches what a waiter gets, as soon as it has it.
func (o *oracle) passWith(d time.Duration, m *machine, next *waiting) {
	o.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end) && !o.t.Failed(); o.pass(10 * time.Millisecond) {
		if !next.watched && next.over() && next.lock != nil {
			next.watched = true
			o.add(m, next.lock)
		}
	}
}
