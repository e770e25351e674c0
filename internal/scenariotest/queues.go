package scenariotest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// queues is B8: arrival order, and those who drop out of it.
func queues() []scenario {
	return []scenario{
		{name: "B8, in order", run: inOrder},
		{name: "B8, in order, then those for whom there was no room", run: inOrderFull},
		{name: "B8, the dead and the cancelled", run: deadAndCancelled},
		{name: "B8, a paused one queues again", run: pausedQueuesAgain},
	}
}

// A row of waiters, numbered from 1, each with a client of its own.
type line struct {
	w        *world
	machines map[int]*machine
	calls    map[int]*call
	mu       sync.Mutex
	order    []int
	began    map[int]time.Time // when each one got the lock
	ended    map[int]time.Time // and released it
	hold     map[int]chan struct{}
	done     int // whose release has returned
}

func newLine(w *world) *line {
	return &line{
		w: w, machines: map[int]*machine{}, calls: map[int]*call{},
		began: map[int]time.Time{}, ended: map[int]time.Time{}, hold: map[int]chan struct{}{},
	}
}

func name(number int) string { return fmt.Sprint("number ", number) }

// come makes the next one come, 100 ms after the one before. If it queues, it
// waits for room to do so, and returns when it stands there.
func (n *line) come(ctx context.Context, number int, queues bool) {
	n.w.t.Helper()
	if queues {
		n.w.await("room in the queue", 10*time.Second, func() bool { return len(n.w.queue("k")) < protocol.QueueBound })
	}
	m := n.w.machine(name(number))
	c := m.wait(ctx, "k", n.w.liveWait()...)
	n.machines[number], n.calls[number] = m, c
	hold := n.hold[number]
	n.w.calls.Go(func() { n.use(number, c, hold) })
	if queues {
		n.w.await("it queues", n.w.soon(), func() bool { return c.over() || slices.Contains(n.w.queue("k"), name(number)) })
	}
	n.w.pass(100 * time.Millisecond)
}

// use holds the lock for 50 ms, or until that channel is closed.
func (n *line) use(number int, c *call, hold chan struct{}) {
	<-c.got
	if c.err != nil {
		return
	}
	n.mu.Lock()
	n.order, n.began[number] = append(n.order, number), c.at
	n.mu.Unlock()
	if hold == nil {
		time.Sleep(50 * time.Millisecond) // real time: the lock is in use; fake in a bubble
	} else {
		<-hold
	}
	n.mu.Lock()
	n.ended[number] = time.Now()
	n.mu.Unlock()
	if err := c.lock.Release(bg); err != nil {
		n.w.t.Errorf("number %d: %v", number, err)
	}
	n.mu.Lock()
	n.done++
	n.mu.Unlock()
}

// finish waits until so many have released.
func (n *line) finish(count int) {
	n.w.t.Helper()
	n.w.await(fmt.Sprint(count, " have released"), n.w.handOver(), func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.done >= count
	})
}

// has reports whether that one got the lock.
func (n *line) has(number int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.order, number)
}

// served waits until so many were, and gives their order.
func (n *line) served(count int, d time.Duration) []int {
	n.w.t.Helper()
	n.w.await(fmt.Sprint(count, " are served"), d, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.order) >= count
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.order)
}

// between is how long the lock was nobody's between two who had it one after
// the other.
func (n *line) between(before, after int) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.began[after].Sub(n.ended[before])
}

// handOver is how long one hand-over may take: those in the queue read four
// times in a claim window, or more often.
func (w *world) handOver() time.Duration { return pick(w, 800*time.Millisecond, 5*time.Second) }

// passOver is how long it may take to pass over one who does not answer: a
// claim window, what is not known of the store's clock, and a hand-over.
func (w *world) passOver() time.Duration {
	return protocol.ClaimWindow + pick(w, 0, 5*time.Second) + w.handOver()
}

// Ten come one after the other, and leave room for each other in the queue.
func inOrder(w *world) {
	first := w.machine("holder").take("k", w.live()...)
	n := newLine(w)
	for i := range 10 {
		if i == 6 {
			w.must(first.Release(bg))
		}
		n.come(bg, i+1, true)
	}
	if order := n.served(10, 10*w.handOver()); !slices.Equal(order, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
		w.t.Errorf("served in the order %v", order)
	}
	for i := 2; i <= 10; i++ {
		if gap := n.between(i-1, i); i <= 6 && gap > w.handOver() {
			w.t.Errorf("number %d got the lock %v after the one before released it", i, gap)
		}
	}
	n.finish(10)
}

// Ten come while there is room for eight: the other two come after those.
func inOrderFull(w *world) {
	first := w.machine("holder").take("k", w.live()...)
	n := newLine(w)
	for i := range 10 {
		n.come(bg, i+1, i < protocol.QueueBound)
	}
	w.must(first.Release(bg))
	order := n.served(10, 10*w.handOver())
	if slices.Sort(order[8:]); !slices.Equal(order, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
		w.t.Errorf("served in the order %v, the last two in any", order)
	}
	n.finish(10)
}

// Number 3 is killed, number 5 gives up: the others are served in order. The
// dead one costs a claim window, the other one nothing.
func deadAndCancelled(w *world) {
	first := w.machine("holder").take("k", w.live()...)
	n := newLine(w)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	for i := range 8 {
		if i+1 == 5 {
			n.come(ctx, 5, true)
			continue
		}
		n.come(bg, i+1, true)
	}
	n.machines[3].cut() // and never heard of again
	cancel()
	w.await("number 5 leaves the queue", 2*w.soon(), func() bool { return !slices.Contains(w.queue("k"), name(5)) })
	w.await("number 5 gives up", w.soon(), n.calls[5].over)
	if err := n.calls[5].err; !errors.Is(err, context.Canceled) || !errors.Is(err, dynalock.ErrHeld) {
		w.t.Errorf("number 5: %v", err)
	}
	n.come(bg, 9, true)
	w.must(first.Release(bg))
	n.come(bg, 10, true)
	if order := n.served(8, w.passOver()+8*w.handOver()); !slices.Equal(order, []int{1, 2, 4, 6, 7, 8, 9, 10}) {
		w.t.Errorf("served in the order %v", order)
	}
	if gap := n.between(2, 4); gap < protocol.ClaimWindow-50*time.Millisecond || gap > w.passOver() {
		w.t.Errorf("the dead one cost %v", gap)
	}
	for _, pair := range [][2]int{{1, 2}, {4, 6}, {6, 7}, {7, 8}, {8, 9}} {
		if gap := n.between(pair[0], pair[1]); gap > w.handOver() {
			w.t.Errorf("number %d got the lock %v after number %d released it", pair[1], gap, pair[0])
		}
	}
	n.finish(8)
	if n.calls[3].over() {
		w.t.Errorf("the dead one: %v, %v", n.calls[3].lock, n.calls[3].err)
	}
}

// Number 7 stands still when its turn comes and for two leases. It is passed
// over, holds nothing when it goes on, and queues again, behind those who came
// meanwhile.
func pausedQueuesAgain(w *world) {
	first := w.machine("holder").take("k", w.live()...)
	n := newLine(w)
	n.hold[8] = make(chan struct{})
	letGo := sync.OnceFunc(func() { close(n.hold[8]) })
	w.t.Cleanup(letGo)
	for i := range 8 {
		n.come(bg, i+1, true)
	}
	old := place(w, 7)
	n.machines[7].pause()
	began := time.Now()
	w.must(first.Release(bg))
	order := n.served(7, w.passOver()+8*w.handOver())
	if !slices.Equal(order, []int{1, 2, 3, 4, 5, 6, 8}) {
		w.t.Fatalf("served in the order %v", order)
	}
	n.come(bg, 9, true)
	w.pass(2*w.lease() - time.Since(began))
	n.machines[7].goOn()
	// A request that was swallowed has to end first.
	w.await("number 7 queues again", pick(w, 2*time.Second, 10*time.Second), func() bool { return slices.Contains(w.queue("k"), name(7)) })
	if place(w, 7) == old || n.has(7) {
		w.t.Errorf("number 7 has the place %x that it lost", old)
	}
	n.come(bg, 10, true)
	letGo()
	order = n.served(10, 4*w.handOver())
	if !slices.Equal(order, []int{1, 2, 3, 4, 5, 6, 8, 9, 7, 10}) {
		w.t.Errorf("served in the order %v", order)
	}
	if gap := n.between(6, 8); gap < protocol.ClaimWindow-50*time.Millisecond || gap > w.passOver() {
		w.t.Errorf("the paused one cost %v", gap)
	}
	n.finish(10)
}

// place is the entry of that one in the queue.
func place(w *world, number int) (id lockstore.Nonce) {
	for _, waiter := range w.row("k").Queue {
		if waiter.Owner == name(number) {
			id = waiter.ID
		}
	}
	return id
}
