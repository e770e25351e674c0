package dynalock

import (
	"container/heap"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
)

// The clocks are compared at least that often while locks are held: a timer
// runs by the monotonic clock, and a lease ends by the wall clock too.
const (
	recheckMin = time.Second
	recheckMax = 30 * time.Second
	// jumpTolerated is how far apart the clocks may move between two looks
	// without a look at every lock.
	jumpTolerated = 20 * time.Millisecond
)

// alarms wake up for the locks of a client: one timer and one heap for all of
// them, and no goroutine while nothing is due.
type alarms struct {
	look func(*Lock, protocol.Moment) (next time.Duration, again bool)
	now  func() protocol.Moment

	mu    sync.Mutex
	heap  alarmHeap
	timer *time.Timer
	armed time.Duration   // monotonic; what the timer is set to
	idle  bool            // the heap was empty: the clocks were not compared since
	last  protocol.Moment // when they last rang
	all   bool            // look at every lock at the next ring
}

// An alarm is a lock's place in the heap.
type alarm struct {
	lock *Lock
	at   time.Duration // monotonic
	// index is the place in the heap, counted from 1; 0: not in it.
	index int
}

// set makes the lock be looked at no later than at.
func (a *alarms) set(al *alarm, at time.Duration, now protocol.Moment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case al.index == 0:
		al.at = at
		heap.Push(&a.heap, al)
	case at < al.at:
		al.at = at
		heap.Fix(&a.heap, al.index-1)
	}
	a.arm(now)
}

func (a *alarms) remove(al *alarm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if al.index != 0 {
		heap.Remove(&a.heap, al.index-1)
	}
	if len(a.heap) == 0 && a.timer != nil {
		a.timer.Stop()
		a.armed, a.idle = 0, true
	}
}

// unlessEnded takes out a lock that ended while its alarm was being set.
func (a *alarms) unlessEnded(al *alarm) {
	if closed(al.lock.done) {
		a.remove(al)
	}
}

// recheck looks at every lock soon: the store's clock may be later than was
// thought.
func (a *alarms) recheck() {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = true // also for one that is being looked at just now
	if len(a.heap) > 0 {
		a.armAt(now.Mono, now)
	}
}

// arm sets the timer for the next alarm, with a.mu held.
func (a *alarms) arm(now protocol.Moment) {
	if len(a.heap) == 0 {
		return
	}
	left := a.heap[0].at - now.Mono
	if a.all {
		left = 0
	}
	a.armAt(now.Mono+min(left, min(max(left/10, recheckMin), recheckMax)), now)
}

func (a *alarms) armAt(at time.Duration, now protocol.Moment) {
	if a.timer == nil || a.idle {
		a.last, a.idle = now, false
	}
	switch {
	case a.timer == nil:
		a.timer = time.AfterFunc(max(at-now.Mono, 0), a.ring)
	case a.armed == 0 || at < a.armed:
		a.timer.Reset(max(at-now.Mono, 0))
	default:
		return
	}
	a.armed = max(at, 1)
}

// ring looks at the locks that are due; at all of them if the clocks moved
// apart since the last time.
func (a *alarms) ring() {
	now := a.now()
	a.mu.Lock()
	apart := now.Mono - a.last.Mono - now.Wall.Sub(a.last.Wall)
	due := a.due(now, a.all || apart > jumpTolerated || apart < -jumpTolerated)
	a.last, a.all = now, false
	a.mu.Unlock()
	for _, al := range due {
		if next, again := a.look(al.lock, now); again {
			a.set(al, next, now)
			a.unlessEnded(al)
		}
	}
	now = a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = 0
	a.arm(now)
}

// due takes out what is due, with a.mu held.
func (a *alarms) due(now protocol.Moment, all bool) []*alarm {
	var due []*alarm
	if all {
		due = append(due, a.heap...)
		clear(a.heap)
		a.heap = a.heap[:0]
		for _, al := range due {
			al.index = 0
		}
		return due
	}
	for len(a.heap) > 0 && a.heap[0].at <= now.Mono {
		due = append(due, heap.Pop(&a.heap).(*alarm))
	}
	return due
}

type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *alarmHeap) Push(x any) {
	al := x.(*alarm)
	*h = append(*h, al)
	al.index = len(*h)
}

func (h *alarmHeap) Pop() any {
	old := *h
	al := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	al.index = 0
	return al
}

// A warning is closed when no more than left can be proved.
type warning struct {
	left time.Duration
	ch   chan struct{}
}

// Expiring gives a channel that is closed once no more than left can be proved
// of the tenure: at once if that is so already, and when it ends. A renewal
// that comes later does not open it again.
func (l *Lock) Expiring(left time.Duration) <-chan struct{} {
	ch := make(chan struct{})
	now, bounds := l.c.clock.now(), l.c.clock.at()
	l.mu.Lock()
	for _, w := range l.warnings {
		if w.left == left {
			defer l.mu.Unlock()
			return w.ch
		}
	}
	if l.err != nil || l.left(now, &bounds) <= left {
		close(ch)
	} else {
		l.warnings = append(l.warnings, warning{left, ch})
	}
	l.mu.Unlock()
	l.c.schedule(l, now)
	return ch
}
