package faultstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A Fault is something that goes wrong with a request.
type Fault struct {
	name   string
	passes bool               // it only changes the answer: other faults may come too
	fits   func(request) bool // nil: it makes sense for every request
	run    func(ctx context.Context, c *call, hit func(), next sender) answer
}

func (f Fault) String() string { return f.name }

func injected(what string) error { return fmt.Errorf("%s: %w", what, ErrInjected) }

// ApplyCut loses the answer: the request is carried out, then the connection
// breaks.
func ApplyCut() Fault { return ApplyCutAfter(0) }

// ApplyCutAfter is [ApplyCut] where the connection breaks d after the request
// was carried out.
func ApplyCutAfter(d time.Duration) Fault {
	return applied("apply+cut", d, injected("connection closed before the answer"))
}

// Apply500 carries the request out and answers with a server error.
func Apply500() Fault {
	return applied("apply+500", 0, injected("status 500"))
}

func applied(name string, d time.Duration, cause error) Fault {
	return Fault{name: name, run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		next(ctx, c)
		hit()
		if err := c.s.sleep(ctx, d); err != nil {
			return c.ended(err, true)
		}
		return c.fail(lockstore.ErrUnavailable, cause, true)
	}}
}

// Refuse500 answers with a server error and does nothing; like with
// [Apply500], the caller cannot know.
func Refuse500() Fault {
	return refused("refuse+500", lockstore.ErrUnavailable, injected("status 500"), true)
}

// Refuse fails at once, with nothing sent, as where no connection can be made.
func Refuse() Fault {
	return refused("refuse", lockstore.ErrUnavailable, injected("connection refused"), false)
}

// Throttle refuses for load.
func Throttle() Fault {
	return refused("throttle", lockstore.ErrThrottled, injected("throttled"), false)
}

// Deny refuses for lack of rights.
func Deny() Fault {
	return refused("deny", lockstore.ErrAccessDenied, injected("not allowed"), false)
}

func refused(name string, kind, cause error, unknown bool) Fault {
	return Fault{name: name, run: func(_ context.Context, c *call, _ func(), _ sender) answer {
		return c.fail(kind, cause, unknown)
	}}
}

// Hold carries the request out at once and delivers the answer d later. If the
// caller's context ends before, the outcome is unknown to it.
func Hold(d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("hold(%v)", d), run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		a := next(ctx, c)
		hit()
		if err := c.s.sleep(ctx, d); err != nil {
			return c.ended(err, true)
		}
		return a
	}}
}

// Delay sends the request d later, and never if the caller's context ends
// before: nothing had left the caller then, so that it knows the outcome
// (Unknown is false). For a request that is on its way meanwhile, see [Late].
func Delay(d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("delay(%v)", d), run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		hit()
		if err := c.s.sleep(ctx, d); err != nil {
			return c.ended(err, false)
		}
		return next(ctx, c)
	}}
}

// BlackHole swallows the request: nothing happens until the caller's context
// ends, and the caller cannot know that.
func BlackHole() Fault {
	return Fault{name: "black hole", run: func(ctx context.Context, c *call, hit func(), _ sender) answer {
		hit()
		return c.swallowed(ctx)
	}}
}

// BlackHoleApplied carries the request out and swallows the answer.
func BlackHoleApplied() Fault {
	return Fault{name: "black hole, applied", run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		next(ctx, c)
		hit()
		return c.swallowed(ctx)
	}}
}

// swallowed blocks until the context ends, or the store is closed: no caller
// may be stuck after that.
func (c *call) swallowed(ctx context.Context) answer {
	select {
	case <-ctx.Done():
		return c.ended(ctx.Err(), true)
	case <-c.s.ctx.Done():
		return c.fail(lockstore.ErrUnavailable, injected("fault store closed"), true)
	}
}

// Skew shifts the time that answers tell by d.
func Skew(d time.Duration) Fault {
	return edit(fmt.Sprintf("skew(%v)", d), func(b *lockstore.TimeBounds) {
		if b.Known() {
			b.Earliest, b.Latest = b.Earliest.Add(d), b.Latest.Add(d)
		}
	})
}

// NoTime takes the time out of answers.
func NoTime() Fault {
	return edit("no time", func(b *lockstore.TimeBounds) { *b = lockstore.TimeBounds{} })
}

func edit(name string, change func(*lockstore.TimeBounds)) Fault {
	return Fault{name: name, passes: true, run: func(ctx context.Context, c *call, _ func(), next sender) answer {
		a := next(ctx, c)
		change(&a.result.Time)
		change(&a.page.Time)
		return a
	}}
}

// Chain makes one request meet several faults, the first one nearest to the
// caller: Chain(Repeat(d), ApplyCut()) loses the answer and delivers the
// request again.
func Chain(faults ...Fault) Fault {
	var names []string
	for _, f := range faults {
		names = append(names, f.name)
	}
	return Fault{name: strings.Join(names, " + "), run: func(ctx context.Context, c *call, hit func(), next sender) answer {
		for i := len(faults) - 1; i >= 0; i-- {
			next = meeting{faults[i], hit}.before(next)
		}
		return next(ctx, c)
	}}
}

// sleep waits for d. It ends early, with an error, when the context does, and
// without one when the store is closed, because that is the end of all faults.
func (s *Store) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return nil
	case <-t.C:
		return nil
	}
}
