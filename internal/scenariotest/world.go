package scenariotest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/clocktest"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// bg is the context of calls whose context is not what a scenario is about.
var bg = context.Background()

// A world is one table and the clients that use it.
type world struct {
	t    *testing.T
	real bool
	open func() lockstore.Store
	side lockstore.Store // a connection beside the clients'

	calls sync.WaitGroup // under way
	oracle
}

func newWorld(t *testing.T, h Harness) *world {
	w := &world{t: t, real: h.RealTime, open: h.Table(t)}
	w.side = w.open()
	w.oracle.t = t
	t.Cleanup(w.calls.Wait) // after the clients have ended
	return w
}

// pick gives what is fit for fake time, or for real time.
func pick[V any](w *world, fake, real V) V {
	if w.real {
		return real
	}
	return fake
}

// lease is that of most locks: long enough for a busy machine.
func (w *world) lease() time.Duration { return pick(w, 3*time.Second, 4*time.Second) }

// soon is within what something happens that happens at once.
func (w *world) soon() time.Duration { return pick(w, 50*time.Millisecond, 4*time.Second) }

// live are the options of a lock that its client renews.
func (w *world) live() []dynalock.AcquireOption {
	return []dynalock.AcquireOption{dynalock.KeepAlive(), dynalock.WithLease(w.lease())}
}

// liveWait is live, and waits.
func (w *world) liveWait() []dynalock.AcquireOption { return append(w.live(), dynalock.Wait()) }

// realPoll is the longest time between two reads outside the queue where time
// is real.
const realPoll = 400 * time.Millisecond

// A machine is a client with a connection of its own, and with clocks of its
// own where time is fake.
type machine struct {
	*dynalock.Client
	w     *world
	net   *faultstore.Store // between this client and the table
	clock *clocktest.Clock
}

// machine gives a client of that owner name, which is gone when the scenario ends.
func (w *world) machine(owner string, opts ...dynalock.ClientOption) *machine {
	return w.through(nil, owner, opts...)
}

// through is machine for a client behind something of the scenario's own.
func (w *world) through(front func(lockstore.Store) lockstore.Store, owner string, opts ...dynalock.ClientOption) *machine {
	m := &machine{w: w, net: faultstore.New(w.open())}
	store := &hook.Store{Store: m.net}
	if front != nil {
		store.Store = front(m.net)
	}
	all := []dynalock.ClientOption{dynalock.WithLockOwnerName(owner)}
	if w.real {
		all = append(all, dynalock.WithPollInterval(50*time.Millisecond, realPoll))
	} else {
		m.clock = clocktest.New()
		store.Now = m.clock.Now
	}
	m.Client = dynalock.New(store, append(all, opts...)...)
	w.t.Cleanup(m.crash)
	return m
}

// cut takes the client off the net: whatever it sends is swallowed.
func (m *machine) cut() { m.net.Down(faultstore.BlackHole()) }

// pause stops the client, as SIGSTOP does: where time is real, by cutting it off.
func (m *machine) pause() {
	if m.clock != nil {
		m.clock.Freeze()
		return
	}
	m.cut()
}

func (m *machine) goOn() {
	if m.clock != nil {
		m.clock.Thaw()
		return
	}
	m.net.Up()
}

func (m *machine) paused() bool { return m.clock != nil && m.clock.StandsStill() }

// crash ends everything the client does, without a request.
func (m *machine) crash() {
	m.goOn()
	m.net.Down(faultstore.Refuse())
	ended, cancel := context.WithCancel(bg)
	cancel()
	_ = m.Close(ended)
	m.net.Close()
}

// take acquires, and ends the scenario if it cannot.
func (m *machine) take(key string, opts ...dynalock.AcquireOption) *dynalock.Lock {
	m.w.t.Helper()
	l, err := m.AcquireLock(m.w.within(time.Minute), key, opts...)
	if err != nil {
		m.w.t.Fatalf("acquire %q: %v", key, err)
	}
	m.w.watch(m, l)
	return l
}

// A call is an acquire under way.
type call struct {
	w    *world
	got  chan struct{} // closed when it ended
	lock *dynalock.Lock
	err  error
	at   time.Time
}

// wait begins to acquire.
func (m *machine) wait(ctx context.Context, key string, opts ...dynalock.AcquireOption) *call {
	c := &call{w: m.w, got: make(chan struct{})}
	m.w.calls.Go(func() {
		defer close(c.got)
		c.lock, c.err = m.AcquireLock(ctx, key, opts...)
		c.at = time.Now()
		if c.err == nil {
			m.w.watch(m, c.lock)
		}
	})
	return c
}

// A noted context tells when somebody waits for its end. A call that has to
// wait for others of its client does so once it stands in their line.
type noted struct {
	context.Context
	once sync.Once
	met  chan struct{}
}

func (n *noted) Done() <-chan struct{} {
	n.once.Do(func() { close(n.met) })
	return n.Context.Done()
}

// stand begins to acquire, and returns when the call stands in its client's line.
func (m *machine) stand(ctx context.Context, key string, opts ...dynalock.AcquireOption) *call {
	n := &noted{Context: ctx, met: make(chan struct{})}
	c := m.wait(n, key, opts...)
	select {
	case <-n.met:
	case <-c.got:
	}
	if !m.w.real {
		synctest.Wait()
	}
	return c
}

func (c *call) over() bool { return over(c.got) }

// within ends the scenario unless the call gives a lock in that time.
func (c *call) within(d time.Duration) *dynalock.Lock {
	c.w.t.Helper()
	c.w.await("the lock", d, c.over)
	if c.err != nil {
		c.w.t.Fatal(c.err)
	}
	return c.lock
}

func over(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// step is how often a scenario looks: others run at the same time if that is real.
func (w *world) step() time.Duration { return pick(w, 10*time.Millisecond, 50*time.Millisecond) }

// pass lets time go by, and judges all the while.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); ; {
		w.check()
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, w.step())) // real time: the stores' and other processes'; fake in a bubble
		if !w.real {
			synctest.Wait()
		}
	}
}

// await lets time go by until ok, and ends the scenario if that takes longer.
func (w *world) await(what string, d time.Duration, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(d); !ok(); w.pass(w.step()) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// row is the record as the table has it.
func (w *world) row(key string) *lockstore.Record {
	w.t.Helper()
	got, err := w.side.Get(bg, key, lockstore.Consistent)
	if err != nil {
		w.t.Fatal(err)
	}
	return got.Record
}

// queue are the owners that stand in a lock's queue.
func (w *world) queue(key string) (owners []string) {
	w.t.Helper()
	if r := w.row(key); r != nil {
		for _, waiter := range r.Queue {
			owners = append(owners, waiter.Owner)
		}
	}
	return owners
}

// within gives a context that ends after d.
func (w *world) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(bg, d)
	w.t.Cleanup(cancel)
	return ctx
}

// must ends the scenario if a call that has to work did not.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
