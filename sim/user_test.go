package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// A user takes locks of its process, one after the other.
type user struct {
	p      *process
	rng    *rand.Rand
	ctx    context.Context // ends with the process
	cancel context.CancelFunc
}

// A call is an acquire under way.
type call struct {
	p     *process
	key   string
	began time.Time
	ctx   context.Context

	waits, live bool
	atMost      time.Duration
}

func (u *user) run() {
	u.sleep(between(u.rng, 0, .5)) // no two of a process begin at the same moment
	for u.ctx.Err() == nil && !u.p.w.over() {
		u.step()
		u.sleep(between(u.rng, 0, 1))
	}
}

func (w *world) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leaving
}

func (u *user) sleep(d time.Duration) { _ = pause(u.ctx, d) }

func (u *user) step() {
	w, key := u.p.w, u.p.w.keys[u.rng.IntN(len(u.p.w.keys))]
	if u.rng.IntN(12) == 0 {
		u.fromOutside(key)
		return
	}
	ctx, cancel := context.WithTimeout(u.ctx, between(u.rng, .05, 30))
	defer cancel()
	opts, c := u.options()
	c.p, c.key, c.ctx, c.began = u.p, key, ctx, time.Now()
	w.mu.Lock()
	w.calls[c] = true
	w.mu.Unlock()
	l, err := u.p.client.AcquireLock(ctx, key, opts...)
	w.mu.Lock()
	delete(w.calls, c)
	w.mu.Unlock()
	if (l == nil) == (err == nil) {
		w.oracle.fail("acquire gives %v and %v", l, err)
	}
	if err != nil {
		u.judge(ctx, "acquire", err)
		return
	}
	w.oracle.inTurn(c, w.waiting())
	h := w.oracle.gained(&handle{Lock: l, p: u.p, live: c.live, mayForget: !c.live, atMost: c.atMost})
	u.use(h)
}

// judge fails on errors that nothing explains.
func (u *user) judge(ctx context.Context, what string, err error) {
	switch {
	case err == nil, u.p.dead.Load(), ctx.Err() != nil && errors.Is(err, ctx.Err()):
	case errors.Is(err, dynalock.ErrHeld), errors.Is(err, dynalock.ErrUnavailable), errors.Is(err, dynalock.ErrThrottled),
		errors.Is(err, dynalock.ErrLost), errors.Is(err, dynalock.ErrClosed), errors.Is(err, dynalock.ErrReleased):
	case what != "acquire" && (errors.Is(err, dynalock.ErrNotHeld) || errors.Is(err, dynalock.ErrOwnerMismatch) ||
		errors.Is(err, dynalock.ErrNotFound)):
	default:
		u.p.w.oracle.fail("%v: %s: %v", u.p, what, err)
	}
}

// options draws how the lock is taken. Everything is drawn always, so that
// what is turned off changes nothing else.
func (u *user) options() ([]dynalock.AcquireOption, *call) {
	r, w := u.rng, u.p.w
	lease := between(r, 1, maxLease.Seconds()).Truncate(time.Millisecond)
	style, wait, patience := r.Float64(), r.IntN(4), between(r, 0, 15)
	del, data, hold, most := r.IntN(2) == 0, r.IntN(3) == 0, r.IntN(8) == 0, r.IntN(6) == 0
	holds, atMost := between(r, .1, 2), between(r, 2, 6)
	c := &call{waits: wait < 2}
	// Few leases, so that locks share sessions.
	if r.IntN(2) == 0 {
		lease = lease.Truncate(time.Second)
	}
	var opts []dynalock.AcquireOption
	live := style < w.live
	switch {
	case live:
		c.live = true
		opts = append(opts, dynalock.KeepAlive(), dynalock.WithLease(lease))
		if most && w.has["atmost"] {
			c.atMost = atMost
			opts = append(opts, dynalock.HoldAtMost(atMost))
		}
	case style > .9 && w.has["endless"]:
		opts = append(opts, dynalock.WithoutLease())
	default:
		opts = append(opts, dynalock.WithLease(max(lease, holds)))
	}
	if hold && w.has["hold"] {
		opts = append(opts, dynalock.HoldAtLeast(min(holds, lease)))
	}
	if del && w.has["delete"] {
		opts = append(opts, dynalock.DeleteOnRelease())
	}
	if data && w.has["data"] {
		opts = append(opts, dynalock.WithData([]byte(u.p.name)))
	}
	switch wait {
	case 0, 1:
		opts = append(opts, dynalock.Wait())
	case 2:
		opts = append(opts, dynalock.WaitFor(patience))
	}
	return opts, c
}

// use holds the lock for a while and does with it what users do.
func (u *user) use(h *handle) {
	w, r := u.p.w, u.rng
	share, change, long := r.IntN(6) == 0, r.IntN(4), r.Float64()
	d := between(r, 0, .3)
	if long > w.short {
		d = between(r, .3, 3)
	}
	if r.IntN(8) == 0 {
		d = between(r, 3, 12)
	}
	if share && w.has["attach"] {
		w.mu.Lock()
		w.handed = append(w.handed, h.Handle())
		w.mu.Unlock()
		w.oracle.name(h.nonce)
	}
	u.hold(h, d/2)
	if w.has["update"] && h.Err() == nil {
		ctx, cancel := context.WithTimeout(u.ctx, between(r, .1, 5))
		switch change {
		case 0:
			u.judge(ctx, "update", h.Update(ctx, []byte("x")))
		case 1:
			u.judge(ctx, "extend", h.Extend(ctx, between(r, 1, maxLease.Seconds())))
		case 2:
			u.judge(ctx, "renew", h.Renew(ctx))
		}
		cancel()
	}
	u.hold(h, d/2)
	u.release(h)
}

func (u *user) hold(h *handle, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-h.Done():
	case <-u.ctx.Done():
	case <-t.C:
	}
}

// release releases until it is certain: a lock without a lease stays until
// its release gets through.
func (u *user) release(h *handle) {
	if u.rng.IntN(20) == 0 && h.mayForget && !u.p.w.has["endless"] {
		return // forgotten
	}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), between(u.rng, .01, 20))
		err := h.Release(ctx)
		cancel()
		if err == nil {
			u.p.w.oracle.releasedNil(h)
			return
		}
		if errors.Is(err, dynalock.ErrLost) || errors.Is(err, dynalock.ErrClosed) || u.p.dead.Load() {
			return
		}
		u.judge(ctx, "release", err)
		time.Sleep(between(u.rng, 0, 1)) // fake time: in a bubble
	}
}

// fromOutside does what users do without a handle.
func (u *user) fromOutside(key string) {
	w := u.p.w
	ctx, cancel := context.WithTimeout(context.WithValue(u.ctx, byKey{}, true), between(u.rng, 1, 10))
	defer cancel()
	switch what := u.rng.IntN(4); {
	case what == 0 && w.has["bykey"]:
		_, err := u.p.client.ReleaseLock(ctx, key)
		u.judge(ctx, "release by key", err)
	case what == 1 && w.has["bykey"]:
		u.judge(ctx, "update by key", u.p.client.UpdateLock(ctx, key, []byte("y")))
	case what == 2 && w.has["resume"]:
		u.resume(ctx, key)
	case what == 3 && w.has["attach"]:
		w.mu.Lock()
		var text string
		if n := len(w.handed); n > 0 {
			text = w.handed[n-1]
		}
		w.mu.Unlock()
		if text == "" {
			return
		}
		l, err := u.p.client.AttachLock(ctx, text)
		u.judge(ctx, "attach", err)
		if err == nil {
			h := w.oracle.gained(&handle{Lock: l, p: u.p, attached: true})
			u.hold(h, between(u.rng, 0, 3))
			if u.rng.IntN(2) == 0 {
				u.release(h)
			}
		}
	}
}

func (u *user) resume(ctx context.Context, key string) {
	opts := []dynalock.AcquireOption{dynalock.WithLease(between(u.rng, 1, 6))}
	if u.rng.IntN(2) == 0 {
		opts = append(opts, dynalock.KeepAlive())
	}
	l, err := u.p.client.ResumeLock(ctx, key, opts...)
	u.judge(ctx, "resume", err)
	if err == nil {
		u.use(u.p.w.oracle.gained(&handle{Lock: l, p: u.p}))
	}
}
