package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/chaos/history"
)

// A hold is a handle that is looked at all the time.
type hold struct {
	w       *worker
	lock    *dynalock.Lock
	key     string
	handle  int64
	spoiled map[string]bool // registers with an update of unknown outcome
}

func (h *hold) event(op string) history.Event {
	return history.Event{Op: op, Key: h.key, Handle: h.handle, Token: h.lock.Token()}
}

const (
	lookEvery = 2 * time.Millisecond
	noteEvery = int64(20 * time.Millisecond)
)

// look asks the handle until it has ended, or stop. It notes a look in ten, and
// always the last one that was true.
func (h *hold) look(stop <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last *history.Event // not noted
	noted := int64(0)
	for {
		e := history.Event{Kind: history.Held, Key: h.key, Handle: h.handle, Token: h.lock.Token(), From: history.Now()}
		err := h.lock.Err()
		// What is left is measured after the clock was read: Until is never later
		// than what Deadline promised.
		e.Until = e.From + int64(time.Until(h.lock.Deadline()))
		e.At = history.Now()
		switch {
		case err != nil:
			if last != nil {
				h.w.log.Add(*last)
			}
			h.lost(e, err)
			return
		case e.From-noted >= noteEvery:
			h.w.log.Add(e)
			noted, last = e.From, nil
		default:
			last = &e
		}
		select {
		case <-tick.C:
		case <-stop:
			if last != nil {
				h.w.log.Add(*last)
			}
			return
		}
	}
}

// lost notes that the handle has ended, if that was not its user's doing.
func (h *hold) lost(e history.Event, err error) {
	var lost *dynalock.LostError
	if !errors.As(err, &lost) {
		return
	}
	e.Kind, e.Until = history.Lost, 0
	describe(&e, err)
	h.w.log.Add(e)
}

// work does what one does under a lock, until it is lost.
func (h *hold) work(rng *rand.Rand, lasts time.Duration) {
	registers := h.w.registers(h.key)
	end := time.Now().Add(lasts)
	for first := true; first || time.Now().Before(end) && h.lock.Held(); first = false {
		if !first {
			time.Sleep(between(rng, 0, 40*time.Millisecond))
		}
		ctx, cancel := context.WithTimeout(context.Background(), between(rng, 50*time.Millisecond, 3*time.Second))
		switch n := rng.IntN(20); {
		case n < 12 && len(registers) > 0:
			h.change(rng, registers[rng.IntN(len(registers))])
		case n < 14:
			h.call(ctx, history.Renew, 0, h.lock.Renew)
		case n < 15:
			lease := pick(rng, append(durableLeases, liveLeases...)...)
			h.call(ctx, history.Extend, lease, func(ctx context.Context) error { return h.lock.Extend(ctx, lease) })
		case n < 16:
			h.call(ctx, history.Update, 0, func(ctx context.Context) error { return h.lock.Update(ctx, []byte("updated")) })
		case n < 17:
			h.attach(ctx, rng)
		case n < 18 && h.w.Named:
			h.w.exception(ctx, rng, h.key)
		default:
			time.Sleep(between(rng, 0, 20*time.Millisecond))
		}
		cancel()
	}
}

// call makes a call of the handle and notes it.
func (h *hold) call(ctx context.Context, op string, lease time.Duration, f func(context.Context) error) {
	e := h.event(op)
	e.Lease = int64(lease)
	n, from := h.w.begin(e)
	h.w.answer(n, from, e, f(ctx))
}

func (h *hold) release(ctx context.Context, f func(context.Context) error) {
	h.call(ctx, history.Release, 0, f)
}

// attach shares the tenure with another client for a while, which then leaves
// it alone: it is its first holder who releases, so that no named exception ends
// what the other one believes.
func (h *hold) attach(ctx context.Context, rng *rand.Rand) {
	e := h.event(history.Attach)
	e.Handle = 0
	n, from := h.w.begin(e)
	l, err := h.w.guest.AttachLock(ctx, h.lock.Handle())
	if err != nil {
		h.w.answer(n, from, e, err)
		return
	}
	g := &hold{w: h.w, lock: l, key: h.key, handle: h.w.handles.Add(1)}
	e.Handle, e.Token = g.handle, l.Token()
	h.w.answer(n, from, e, nil)
	stop := make(chan struct{})
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		g.look(stop)
	}()
	time.Sleep(between(rng, 0, 50*time.Millisecond))
	g.call(ctx, history.Renew, 0, l.Renew)
	close(stop)
	<-looked
}
