package dynalock

import (
	"context"
	"math"
	"time"
)

// Defaults and bounds of a lock's lifetime.
const (
	// DefaultLease is the lease of a durable lock. Long enough that nobody
	// meets it by accident, short enough that a forgotten lock ends.
	DefaultLease = 30 * 24 * time.Hour
	// DefaultLiveLease is the lease of a lock with [KeepAlive]: how long
	// others wait for it after its process died.
	DefaultLiveLease = 20 * time.Second
	// MinLease is the shortest lease: below it, renewals would compete with
	// the answers' travel time.
	MinLease = time.Second
	// MaxLease is the longest; who wants longer wants [WithoutLease].
	MaxLease = 10 * 365 * 24 * time.Hour
)

// An AcquireOption says how a lock is taken. The same option twice: the last
// counts. Options that contradict each other are ErrInvalidOption.
type AcquireOption func(*wishes)

// option is a bit for each option that was given.
type option uint16

const (
	optLease option = 1 << iota
	optWithoutLease
	optLeaseFromContext
	optKeepAlive
	optData
	optDelete
	optWait
	optWaitFor
	optHoldAtLeast
	optHoldAtMost

	lifetimes = optLease | optWithoutLease | optLeaseFromContext
	waits     = optWait | optWaitFor
)

// wishes are the options of one call, or the defaults of a client.
type wishes struct {
	given    option
	lease    time.Duration
	leaseCtx context.Context
	grace    time.Duration
	data     []byte
	waitFor  time.Duration
	atLeast  time.Duration
	atMost   time.Duration
}

func (w *wishes) has(o option) bool { return w.given&o != 0 }

// WithData stores data with the lock, in place of what is stored. Without it
// the former tenure's data stays, and the handle gives it. nil removes the
// data; an empty slice stores no bytes. At most about 390 KB on DynamoDB,
// which takes items of 400 KB and charges a write unit for each KB.
func WithData(data []byte) AcquireOption {
	data = clone(data)
	return func(w *wishes) { w.given |= optData; w.data = data }
}

// DeleteOnRelease makes the release delete the item, with its data, instead of
// keeping it. With [HoldAtLeast] the item stays for whoever takes the lock
// next, or for the table's item expiry; its data goes at once.
//
// Fencing tokens restart from a clock when an item was deleted: who fences
// should keep the item (see [Lock.FenceCondition]).
func DeleteOnRelease() AcquireOption {
	return func(w *wishes) { w.given |= optDelete }
}

// WithLease makes the lock end by itself d after the acquire or the last
// renewal: 1 s to 10 years. Default [DefaultLease] or, with [KeepAlive],
// [DefaultLiveLease].
func WithLease(d time.Duration) AcquireOption {
	return func(w *wishes) { w.given |= optLease; w.lease = d }
}

// WithoutLease makes the lock last until it is released, whatever happens to
// its process.
func WithoutLease() AcquireOption {
	return func(w *wishes) { w.given |= optWithoutLease }
}

// LeaseFromContext makes the lease last until that context's deadline and
// grace longer: for Lambda functions, whose context says when they are stopped.
func LeaseFromContext(ctx context.Context, grace time.Duration) AcquireOption {
	return func(w *wishes) { w.given |= optLeaseFromContext; w.leaseCtx = ctx; w.grace = grace }
}

// KeepAlive makes the lock live: the client renews it as long as the client
// lives and the lock is not released. When the process dies, it ends within
// its lease. All live locks of a client that have the same lease share one renewal,
// a write in a third of it, and with it up to 16 eventually consistent reads; a
// lock moves there, by one write, once it has been held for a third of its lease.
func KeepAlive() AcquireOption {
	return func(w *wishes) { w.given |= optKeepAlive }
}

// Wait makes the acquire wait until the lock is handed over or the context ends,
// first come first served. Joining the queue is one write, leaving it too; waiting
// is reads.
func Wait() AcquireOption {
	return func(w *wishes) { w.given |= optWait }
}

// WaitFor makes the acquire wait at most d, or until the context ends. 0 is
// one try, as without the option.
func WaitFor(d time.Duration) AcquireOption {
	return func(w *wishes) { w.given |= optWaitFor; w.waitFor = d }
}

// HoldAtLeast keeps others out until d after the acquire, though the lock is
// released earlier or its process ends: for jobs that several schedulers start
// at almost the same time. d is kept by the store's clock; a client that does not
// know it to within 10 s (no answer yet, or none for hours, or its own clock was
// set since) asks for it by one more read.
func HoldAtLeast(d time.Duration) AcquireOption {
	return func(w *wishes) { w.given |= optHoldAtLeast; w.atLeast = d }
}

// HoldAtMost makes a live lock end, with [ReasonHeldTooLong], once it was held
// for d. It is no longer renewed then, so others get it when its lease ends.
func HoldAtMost(d time.Duration) AcquireOption {
	return func(w *wishes) { w.given |= optHoldAtMost; w.atMost = d }
}

// gather applies one layer of options and judges it by itself.
func gather(opts []AcquireOption) (wishes, error) {
	var w wishes
	for _, o := range opts {
		if o == nil {
			return w, invalidOption("a nil AcquireOption")
		}
		o(&w)
	}
	return w, w.contradictions()
}

func (w *wishes) contradictions() error {
	switch {
	case w.has(optLease) && w.has(optWithoutLease):
		return invalidOption("WithLease and WithoutLease contradict each other")
	case w.has(optLease) && w.has(optLeaseFromContext):
		return invalidOption("WithLease and LeaseFromContext contradict each other")
	case w.has(optWithoutLease) && w.has(optLeaseFromContext):
		return invalidOption("WithoutLease and LeaseFromContext contradict each other")
	case w.has(optWithoutLease) && w.has(optKeepAlive):
		return invalidOption("KeepAlive needs a lease to renew; it contradicts WithoutLease")
	case w.has(optWait) && w.has(optWaitFor):
		return invalidOption("Wait and WaitFor contradict each other")
	case w.has(optWaitFor) && w.waitFor < 0:
		return invalidOption("WaitFor(%v) is negative", w.waitFor)
	case w.has(optHoldAtLeast) && w.atLeast < 0:
		return invalidOption("HoldAtLeast(%v) is negative", w.atLeast)
	case w.has(optHoldAtLeast) && w.atLeast > MaxLease:
		return invalidOption("HoldAtLeast(%v) is longer than %v", w.atLeast, MaxLease)
	case w.has(optHoldAtMost) && w.atMost <= 0:
		return invalidOption("HoldAtMost(%v) is not positive", w.atMost)
	case w.has(optLease) && (w.lease < MinLease || w.lease > MaxLease):
		return invalidOption("WithLease(%v) is not between %v and %v", w.lease, MinLease, MaxLease)
	}
	return nil
}

// over lays the options of a call over the client's defaults. Where both speak
// of one thing the call's own counts.
func (w wishes) over(defaults wishes) wishes {
	merged := defaults
	if w.given&lifetimes != 0 {
		merged.given &^= lifetimes
		merged.lease, merged.leaseCtx, merged.grace = w.lease, w.leaseCtx, w.grace
	}
	if w.has(optWithoutLease) {
		merged.given &^= optKeepAlive | optHoldAtMost
		merged.atMost = 0
	}
	if w.has(optKeepAlive) {
		merged.given &^= optWithoutLease
	}
	if w.given&waits != 0 {
		merged.given &^= waits
		merged.waitFor = w.waitFor
	}
	if w.has(optData) {
		merged.data = w.data
	}
	if w.has(optHoldAtLeast) {
		merged.atLeast = w.atLeast
	}
	if w.has(optHoldAtMost) {
		merged.atMost = w.atMost
	}
	merged.given |= w.given
	return merged
}

// resolve judges what depends on several options and gives the lease; 0: none.
// former is the lease that stays where no option names one.
func (w *wishes) resolve(now time.Time, former time.Duration) (time.Duration, error) {
	lease := former
	switch {
	case w.has(optLease):
		lease = w.lease
	case w.has(optWithoutLease):
		lease = 0
	case w.has(optLeaseFromContext):
		var err error
		if lease, err = w.leaseByContext(now); err != nil {
			return 0, err
		}
	case w.has(optKeepAlive):
		lease = DefaultLiveLease
	}
	live := w.has(optKeepAlive)
	switch {
	case w.has(optHoldAtMost) && !live:
		return 0, invalidOption("HoldAtMost needs KeepAlive: it ends the renewals")
	case w.has(optHoldAtMost) && w.atLeast > w.atMost:
		return 0, invalidOption("HoldAtLeast(%v) is longer than HoldAtMost(%v)", w.atLeast, w.atMost)
	case !live && lease != 0 && w.atLeast > lease:
		return 0, invalidOption("HoldAtLeast(%v) is longer than the lease, %v", w.atLeast, lease)
	}
	return lease, nil
}

func (w *wishes) leaseByContext(now time.Time) (time.Duration, error) {
	if w.leaseCtx == nil {
		return 0, invalidOption("LeaseFromContext got a nil context")
	}
	deadline, ok := w.leaseCtx.Deadline()
	if !ok {
		return 0, invalidOption("LeaseFromContext got a context without a deadline")
	}
	if w.grace < 0 {
		return 0, invalidOption("LeaseFromContext got the negative grace %v", w.grace)
	}
	lease := deadline.Sub(now)
	if lease > MaxLease || w.grace > MaxLease-max(lease, 0) {
		return 0, invalidOption("LeaseFromContext gives a lease longer than %v", MaxLease)
	}
	if lease += w.grace; lease < MinLease {
		return 0, invalidOption("LeaseFromContext leaves %v, less than %v", lease, MinLease)
	}
	return lease, nil
}

// forever is a wait without a limit of its own.
const forever = time.Duration(math.MaxInt64)

// patience is how long the acquire may wait; 0: not at all.
func (w *wishes) patience() time.Duration {
	if w.has(optWait) {
		return forever
	}
	return w.waitFor
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}
