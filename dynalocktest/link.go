package dynalocktest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A Link is what lies between clients and the table, and what can go wrong
// there. The one of a [Table] carries the requests of all its clients, the one
// that [Table.Only] gives those of one client alone. It is safe for concurrent
// use.
//
// A client sends a request that got no answer, or was refused for load, up to
// four times in one call, and for a renewal or a release as long as there is time.
// So a few failures are not seen by the caller at all: that is what Down and Fail
// are for.
type Link struct {
	t    testing.TB
	over chan struct{} // closed when the test ends: nothing waits any longer

	mu            sync.Mutex
	down          bool
	fails         error // instead of an answer; nil: none
	slow          time.Duration
	plans         []*plan
	reads, writes int
}

// A plan is what the next requests of a kind meet.
type plan struct {
	name   string
	n      int
	writes bool
	err    error // nil: the write is made and its answer lost
	left   int
}

func newLink(t testing.TB) *Link { return &Link{t: t, over: make(chan struct{})} }

// Down cuts the clients off: their requests get no answer until Up, as behind a
// network that swallows them. Each is given up by its client after 5 s or less.
// What waits then stays unanswered, also after Up.
//
// A holder whose renewals get no answer keeps its live lock for the rest of the
// lease, up to [dynalock.DefaultLiveLease], and then loses it, with
// [dynalock.ReasonExpired]. The others may take it from about the same moment on.
// A process that crashed is one whose client is down for ever.
func (l *Link) Down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
}

// Fail makes every request fail at once, with nothing done, until Up: one of
// the store's errors that [Link.FailWrites] takes.
func (l *Link) Fail(err error) {
	l.t.Helper()
	l.check("Fail", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = err
}

// FailReads makes the next n reads fail as [Link.FailWrites] does writes.
func (l *Link) FailReads(n int, err error) {
	l.t.Helper()
	l.check("FailReads", err)
	l.plan(plan{name: "FailReads", n: n, err: err})
}

// FailWrites makes the next n writes fail at once, with nothing done: acquires,
// renewals, updates and releases are writes. err is [dynalock.ErrUnavailable],
// [dynalock.ErrThrottled], [dynalock.ErrAccessDenied], [dynalock.ErrTableNotFound]
// or [dynalock.ErrTableSchema]. The first two a client tries again by itself, up
// to four times in a call; of the others the caller hears at once.
//
// If fewer writes than that come before the end of the test, the test fails: it
// would pass without what it was to test.
func (l *Link) FailWrites(n int, err error) {
	l.t.Helper()
	l.check("FailWrites", err)
	l.plan(plan{name: "FailWrites", n: n, writes: true, err: err})
}

// LoseAnswers makes the next n writes take effect and their answers get lost, so
// that the client cannot know. It sends such a write again and finds out; where
// the answers of all its tries are lost, the call fails with
// [dynalock.ErrUnavailable], and what an acquire left behind is found and released
// by the client soon after. As with FailWrites all n have to come.
func (l *Link) LoseAnswers(n int) {
	l.t.Helper()
	l.plan(plan{name: "LoseAnswers", n: n, writes: true})
}

// Slow makes every answer come d later, until Up or Slow(0). The request is
// carried out at once. A client gives it up after 5 s, or less where its lock
// needs that, and then does not know the outcome.
func (l *Link) Slow(d time.Duration) {
	l.t.Helper()
	if d < 0 {
		l.t.Fatalf("dynalocktest: Slow(%v): the time is negative", d)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slow = d
}

// Up ends what Down, Fail and Slow began.
func (l *Link) Up() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.fails, l.slow = false, nil, 0
}

// Requests counts what the clients have sent so far: renewals in the background
// too, what was answered and what was not. Most of the price of a lock is its
// writes (see docs/cost.md).
func (l *Link) Requests() (reads, writes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads, l.writes
}

// Cost counts what the clients send while f runs.
func (l *Link) Cost(f func()) (reads, writes int) {
	readsBefore, writesBefore := l.Requests()
	f()
	reads, writes = l.Requests()
	return reads - readsBefore, writes - writesBefore
}

var storeErrors = []error{
	lockstore.ErrUnavailable, lockstore.ErrThrottled, lockstore.ErrAccessDenied,
	lockstore.ErrTableNotFound, lockstore.ErrTableSchema,
}

// check refuses errors that no store fails with.
func (l *Link) check(name string, err error) {
	l.t.Helper()
	if !slices.Contains(storeErrors, err) {
		l.t.Fatalf("dynalocktest: %s: no store fails with %v; give it dynalock.ErrUnavailable, ErrThrottled, "+
			"ErrAccessDenied, ErrTableNotFound or ErrTableSchema (for a lock that is held see Table.Hold)", name, err)
	}
}

func (l *Link) plan(p plan) {
	l.t.Helper()
	if p.n < 1 {
		l.t.Fatalf("dynalocktest: %s: the number of requests, %d, is not positive; for all of them use Fail", p.name, p.n)
	}
	p.left = p.n
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plans = append(l.plans, &p)
}

// finish ends everything, before clients are closed at the end of the test, and
// finds plans that nothing has met.
func (l *Link) finish() {
	l.t.Helper()
	l.Up()
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.over:
		return
	default:
	}
	close(l.over)
	for _, p := range l.plans {
		if p.left > 0 && !l.t.Failed() {
			l.t.Errorf("dynalocktest: %s: only %d of %d requests came; ask for fewer, or for all of them by Fail", p.name, p.n-p.left, p.n)
		}
	}
	l.plans = nil
}

func (l *Link) count(write bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if write {
		l.writes++
	} else {
		l.reads++
	}
}

// state is what every request meets now.
func (l *Link) state() (down bool, slow time.Duration, fails error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down, l.slow, l.fails
}

// meet takes a request for the first plan that wants one.
func (l *Link) meet(write bool) *plan {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.plans {
		if p.writes == write && p.left > 0 {
			p.left--
			return p
		}
	}
	return nil
}
