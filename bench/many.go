package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// held is what a worker with many locks says of itself.
type held struct {
	Locks      int    `json:"locks"` // that it can prove to hold now
	Heap       uint64 `json:"heap"`
	Goroutines int    `json:"goroutines"`
}

// acquirers is how many goroutines take the locks of a worker with many.
const acquirers = 8

// many takes locks of its own and keeps them: one, and when told to, the rest.
// It says a grant after each of the two.
func (w *worker) many() error {
	if err := w.takeOne(0); err != nil {
		return err
	}
	w.say(said{Event: "grant", Grant: &grant{Who: w.Who, Got: time.Now().UnixNano()}})
	select {
	case <-w.more:
	case <-w.ctx.Done():
		return nil
	}
	var all sync.WaitGroup
	var next atomic.Int64
	failed := make(chan error, acquirers)
	for range acquirers {
		all.Go(func() {
			for n := int(next.Add(1)); n < w.Count; n = int(next.Add(1)) {
				if err := w.takeOne(n); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	w.say(said{Event: "grant", Grant: &grant{Who: w.Who, Got: time.Now().UnixNano()}})
	<-w.ctx.Done()
	return nil
}

func (w *worker) takeOne(n int) error {
	l, err := w.client.AcquireLock(w.ctx, fmt.Sprintf("%s-%06d", w.Key, n), w.options()...)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locks = append(w.locks, l)
	return nil
}

// inventory is what the worker holds and needs for it, connections aside.
func (w *worker) inventory() *held {
	transport.CloseIdleConnections()
	time.Sleep(50 * time.Millisecond) // for their goroutines to end
	w.mu.Lock()
	locks := w.locks
	w.mu.Unlock()
	h := &held{Heap: heap(), Goroutines: runtime.NumGoroutine()}
	for _, l := range locks {
		if l.Held() {
			h.Locks++
		}
	}
	runtime.KeepAlive(locks)
	return h
}

// inventory asks a worker for its.
func (p *process) inventory() (held, error) {
	if err := p.tell("held"); err != nil {
		return held{}, err
	}
	s, err := p.await("held")
	if err != nil {
		return held{}, err
	}
	return *s[len(s)-1].Held, nil
}

func heap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// takeAll lets a worker of kind many take all its locks. before is what it
// needed with the first of them.
func (p *process) takeAll() (before held, err error) {
	if err := p.tell("go"); err != nil {
		return before, err
	}
	if _, err := p.next(); err != nil {
		return before, err
	}
	if before, err = p.inventory(); err != nil {
		return before, err
	}
	if err := p.tell("more"); err != nil {
		return before, err
	}
	_, err = p.next()
	return before, err
}
