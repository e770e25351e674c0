package main

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/chaos/history"
)

// A wish is how a lock is to be taken.
type wish struct {
	history.Event // of its beginning
	opts          []dynalock.AcquireOption
	patience      time.Duration // of the context
	do            bool          // by Do
	work          time.Duration // how long it is held
	forget        bool          // until its lease ends, instead of a release
}

// turn takes a lock, works under it and gives it up.
func (w *worker) turn(rng *rand.Rand) {
	wish := w.draw(rng)
	ctx, cancel := context.WithTimeout(context.Background(), wish.patience)
	defer cancel()
	stolen := &atomic.Bool{}
	ctx = context.WithValue(ctx, tookOver{}, stolen)
	if wish.do {
		w.do(ctx, rng, wish, stolen)
		return
	}
	n, from := w.begin(wish.Event)
	l, err := w.client.AcquireLock(ctx, wish.Key, wish.opts...)
	h := w.got(n, from, wish.Event, l, stolen, err)
	if h == nil {
		w.pause(rng, err)
		return
	}
	h.work(rng, wish.work)
	if wish.forget {
		return
	}
	// As programs do that have only so much time left.
	limit, stop := context.WithTimeout(context.Background(), pick(rng, 100*time.Millisecond, 2*time.Second, 10*time.Second))
	defer stop()
	h.release(limit, l.Release)
}

// do is turn by client.Do: the release is its own.
func (w *worker) do(ctx context.Context, rng *rand.Rand, wish wish, stolen *atomic.Bool) {
	n, from := w.begin(wish.Event)
	var h *hold
	var released, since int64
	err := w.client.Do(ctx, wish.Key, func(_ context.Context, l *dynalock.Lock) error {
		h = w.got(n, from, wish.Event, l, stolen, nil)
		h.work(rng, wish.work)
		released, since = w.begin(h.event(history.Release))
		return nil
	}, wish.opts...)
	if h == nil {
		w.answer(n, from, wish.Event, err)
		w.pause(rng, err)
		return
	}
	w.answer(released, since, h.event(history.Release), err)
}

// draw is a wish at random.
func (w *worker) draw(rng *rand.Rand) wish {
	v := wish{Event: history.Event{Op: history.Acquire, Key: w.Keys[rng.IntN(len(w.Keys))]}, patience: 5 * time.Second}
	lease := durableLeases[rng.IntN(len(durableLeases))]
	if v.Live = rng.IntN(2) == 0; v.Live {
		lease = liveLeases[rng.IntN(len(liveLeases))]
		v.opts = append(v.opts, dynalock.KeepAlive())
		v.do = rng.IntN(4) == 0
		if rng.IntN(20) == 0 {
			v.opts = append(v.opts, dynalock.HoldAtMost(between(rng, time.Second, 3*time.Second)))
		}
	}
	v.Lease = int64(lease)
	v.opts = append(v.opts, dynalock.WithLease(lease))
	switch rng.IntN(3) {
	case 0:
	case 1:
		v.Waits = true
		v.opts = append(v.opts, dynalock.WaitFor(between(rng, 10*time.Millisecond, 4*time.Second)))
	case 2:
		v.Waits, v.patience = true, between(rng, 100*time.Millisecond, 8*time.Second)
		v.opts = append(v.opts, dynalock.Wait())
	}
	if rng.IntN(20) == 0 {
		atLeast := between(rng, 100*time.Millisecond, 900*time.Millisecond)
		v.AtLeast = int64(atLeast)
		v.opts = append(v.opts, dynalock.HoldAtLeast(atLeast))
	}
	if rng.IntN(10) == 0 {
		v.opts = append(v.opts, dynalock.WithData([]byte(w.process())))
	}
	if v.Key == w.Deleting {
		v.opts = append(v.opts, dynalock.DeleteOnRelease())
	}
	switch rng.IntN(20) {
	case 0: // past what nothing renews
		v.work = between(rng, lease/2, 2*lease)
	case 1, 2:
		v.work = between(rng, 0, lease)
	default:
		v.work = between(rng, 0, 50*time.Millisecond)
	}
	v.forget = !v.do && !v.Live && rng.IntN(30) == 0
	return v
}

// got notes the answer of an acquire or a resumption, and begins to look at the
// handle; nil: there is none.
func (w *worker) got(n, from int64, e history.Event, l *dynalock.Lock, stolen *atomic.Bool, err error) *hold {
	if err != nil {
		w.answer(n, from, e, err)
		return nil
	}
	h := &hold{w: w, lock: l, key: e.Key, handle: w.handles.Add(1), spoiled: map[string]bool{}}
	e.Handle, e.Token, e.TookOver = h.handle, l.Token(), stolen.Load()
	w.answer(n, from, e, nil)
	w.looks.Go(func() { h.look(nil) })
	return h
}

// pause is what a user does who did not get a lock.
func (w *worker) pause(rng *rand.Rand, err error) {
	if err != nil {
		time.Sleep(between(rng, time.Millisecond, 100*time.Millisecond))
	}
}

func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }
