package scenariotest

import (
	"fmt"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// herds is B6: many who wait for one lock.
func herds() []scenario {
	return []scenario{
		{name: "B6, a client each", run: manyClients, busy: true},
		{name: "B6, a client each, requests take time", run: manySlowClients, busy: true},
		{name: "B6, many in a client", run: manyInAClient, busy: true},
	}
}

// turnOf is how many of one client have the lock in a row while others stand
// in the queue: the one who got it there, and 16 without a request.
const turnOf = 17

// A herd waits for a lock that somebody holds.
type herd struct {
	w        *world
	machines []*machine
	mu       sync.Mutex
	order    [][2]int // client and number of each one served
	all      sync.WaitGroup
}

// add makes one more of that client wait, hold for a moment, and release.
// stands: it returns when that one stands in its client's line.
func (h *herd) add(client, number int, stands bool) {
	wait := h.machines[client].wait
	if stands {
		wait = h.machines[client].stand
	}
	c := wait(bg, "k", h.w.liveWait()...)
	h.all.Go(func() {
		<-c.got
		if c.err != nil {
			h.w.t.Errorf("client %d, number %d: %v", client, number, c.err)
			return
		}
		h.mu.Lock()
		h.order = append(h.order, [2]int{client, number})
		h.mu.Unlock()
		time.Sleep(5 * time.Millisecond) // real time: the lock is in use; fake in a bubble
		if err := c.lock.Release(bg); err != nil {
			h.w.t.Errorf("client %d, number %d: %v", client, number, err)
		}
	})
}

// sent are the requests of the whole herd.
func (h *herd) sent() (c faultstore.Counts) {
	for _, m := range h.machines {
		n := m.net.Requests()
		c.Gets, c.Writes, c.Failed = c.Gets+n.Gets, c.Writes+n.Writes, c.Failed+n.Failed
	}
	return c
}

func (h *herd) reset() {
	for _, m := range h.machines {
		m.net.Reset()
	}
}

func (h *herd) served() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.order)
}

// newHerd gives clients, and the lock that somebody holds before them.
func newHerd(w *world, clients int) (*herd, *dynalock.Lock) {
	first := w.machine("holder").take("k", w.live()...)
	h := &herd{w: w}
	for i := range clients {
		h.machines = append(h.machines, w.machine(fmt.Sprint("client ", i)))
	}
	return h, first
}

// While the lock is held the others read now and then, out of step with each
// other, and write nothing. Its change of hands does not make them run.
func manyClients(w *world) { herdOf(w, 0) }

func manySlowClients(w *world) { herdOf(w, 5*time.Millisecond) }

func herdOf(w *world, slow time.Duration) {
	n := pick(w, 200, 24)
	held, settled := pick(w, 10*time.Second, 2*time.Second), pick(w, 5*time.Second, 500*time.Millisecond)
	poll := pick(w, dynalock.DefaultPollMax, realPoll)
	h, first := newHerd(w, n)
	for i := range n {
		if slow > 0 {
			to, from := slow/2+time.Duration(i)*10*time.Microsecond, slow/2
			h.machines[i].net.On(faultstore.Match{}, faultstore.Chain(faultstore.Delay(to), faultstore.Hold(from)))
		}
		h.add(i, 0, false)
	}
	w.await("all wait", settled+w.soon(), func() bool { return h.sent().Writes >= 2*n })
	w.pass(settled)
	h.reset()
	began := time.Now()
	w.pass(held - settled)
	over := time.Since(began)
	sent := h.sent()
	if most := int(float64(n)*over.Seconds()/(poll.Seconds()*3/4)) + n; sent.Writes != 0 || sent.Gets > most || sent.Gets < n/2 {
		w.t.Errorf("%d writes and %d reads while the lock is held, at most %d reads", sent.Writes, sent.Gets, most)
	}
	if !w.real {
		h.outOfStep(began, over)
	}
	h.reset()
	released := time.Now()
	w.must(first.Release(bg))
	w.await("all are served", time.Minute, func() bool { return h.served() == n || w.t.Failed() })
	h.all.Wait()
	sent = h.sent()
	w.t.Logf("for each hand-over %.2f writes refused, %.2f writes, %.2f reads, %v in all",
		of(sent.Failed, n), of(sent.Writes, n), of(sent.Gets, n), time.Since(released)/time.Duration(n))
	if sent.Failed > 4*n {
		w.t.Errorf("%d writes were refused in %d hand-overs", sent.Failed, n)
	}
}

func of(a, b int) float64 { return float64(a) / float64(b) }

// outOfStep judges when the lock was read. A session that keeps it alive is read
// with it once in a lease.
func (h *herd) outOfStep(began time.Time, d time.Duration) {
	const bucket = 50 * time.Millisecond
	reads := make([]int, d/bucket)
	total := 0
	for _, m := range h.machines {
		for _, e := range m.net.Log() {
			if i := int(e.Start.Sub(began) / bucket); e.Op == faultstore.OpGet && e.Key == "k" && i < len(reads) {
				reads[i]++
				total++
			}
		}
	}
	for i, n := range reads {
		if n*len(reads) > 3*total {
			h.w.t.Errorf("%d reads in the %d-th %v, of %d in %d of them", n, i, bucket, total, len(reads))
		}
	}
}

// Those of one client are served in their order, and by turns with those of
// other clients, which have theirs in the order in which the clients came.
func manyInAClient(w *world) {
	clients, each := pick(w, protocol.QueueBound, 3), pick(w, 25, 20)
	h, first := newHerd(w, clients)
	for i := range clients {
		h.add(i, 0, false)
		w.await("the client queues", time.Second+w.soon(), func() bool { return len(w.queue("k")) == i+1 })
		for j := 1; j < each; j++ {
			h.add(i, j, true)
		}
	}
	h.reset()
	w.pass(pick(w, 10*time.Second, time.Second))
	if sent := h.sent(); sent.Writes != 0 {
		w.t.Errorf("%d writes while the lock is held", sent.Writes)
	}
	h.reset()
	w.must(first.Release(bg))
	n := clients * each
	w.await("all are served", time.Minute, func() bool { return h.served() == n || w.t.Failed() })
	h.all.Wait()
	sent := h.sent()
	w.t.Logf("for each hand-over %.2f writes refused, %.2f writes, %.2f reads", of(sent.Failed, n), of(sent.Writes, n), of(sent.Gets, n))
	if sent.Failed > n/4 || sent.Writes > n/2 {
		w.t.Errorf("%d writes and %d refused in %d hand-overs, of which few need one", sent.Writes, sent.Failed, n)
	}
	h.inTurns(clients, each)
}

// inTurns judges who was served when.
func (h *herd) inTurns(clients, each int) {
	next := make([]int, clients)
	var turns [][2]int // client, and how many
	for _, who := range h.order {
		client, number := who[0], who[1]
		if number != next[client] {
			h.w.t.Fatalf("client %d: number %d where %d was next", client, number, next[client])
		}
		next[client]++
		if last := len(turns) - 1; last >= 0 && turns[last][0] == client {
			turns[last][1]++
		} else {
			turns = append(turns, [2]int{client, 1})
		}
	}
	for i, turn := range turns {
		first := i < clients // later ones come in the order in which the clients queued again
		if (first || !h.w.real) && turn[0] != i%clients || turn[1] > turnOf || first && turn[1] != min(turnOf, each) {
			h.w.t.Fatalf("turns by client and length: %v", turns)
		}
	}
}
