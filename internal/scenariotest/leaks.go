package scenariotest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// leaks is D7: goroutines, timers and renewals that are left behind.
func leaks() []scenario {
	all := []scenario{{name: "D7, many cycles", run: manyCycles, busy: true}}
	return append(all, each("D7, slow renewals", map[string]struct{ fake, real time.Duration }{
		"just below a period": {900 * time.Millisecond, 1100 * time.Millisecond},
		"above a period":      {1100 * time.Millisecond, 1400 * time.Millisecond},
		"above a lease":       {4 * time.Second, 4500 * time.Millisecond},
	}, func(w *world, slow struct{ fake, real time.Duration }) {
		oneRenewalAtATime(w, pick(w, slow.fake, slow.real))
	})...)
}

// manyCycles goes through every way in which one use of a lock can go, and
// looks at what is left of it.
func manyCycles(w *world) {
	w.machine("holder").take("taken")
	baseline := w.goroutines()
	// A fault store looks through all its old rules: a new client now and then.
	clients, side, rounds := pick(w, 40, 3), pick(w, 1, 4), pick(w, 50, 5)
	for range clients {
		m := w.machine("m")
		var all sync.WaitGroup
		for worker := range side {
			all.Go(func() {
				for range rounds {
					for _, cycle := range cycles {
						if err := cycle(m, strconv.Itoa(worker)); err != nil {
							w.t.Error(err)
							return
						}
					}
				}
			})
		}
		all.Wait()
		if w.t.Failed() {
			return
		}
		w.bounded(m, baseline)
	}
}

// bounded judges the goroutines of a client that is done, and of it when it is
// closed.
func (w *world) bounded(m *machine, baseline int) {
	w.t.Helper()
	few := func(most int) func() bool { return func() bool { return w.goroutines() <= most } }
	if !w.real {
		time.Sleep(3 * time.Minute) // fake time: until what was cancelled has been looked at for the last time
		synctest.Wait()
		m.net.Reset()
		time.Sleep(time.Hour) // fake time: in which nothing may be done
		if n := m.net.Requests().Total(); n != 0 {
			w.t.Errorf("%d requests for nobody", n)
		}
	}
	w.await(fmt.Sprintf("at most %d goroutines; there are %d", baseline+2, w.goroutines()), w.soon(), few(baseline+2))
	w.must(m.Close(bg))
	w.await(fmt.Sprintf("at most %d goroutines after Close; there are %d", baseline, w.goroutines()), w.soon(), few(baseline))
}

// cycles are the ways in which one use of a lock can go.
var cycles = []func(m *machine, key string) error{
	func(m *machine, key string) error { // all is well
		l, err := m.AcquireLock(bg, key+" well", dynalock.KeepAlive())
		if err != nil {
			return err
		}
		return l.Release(bg)
	},
	func(m *machine, _ string) error { // held
		_, err := m.AcquireLock(bg, "taken", dynalock.WaitFor(time.Millisecond))
		return isNot(err, dynalock.ErrHeld, dynalock.ErrUnavailable) // a store may be slower than that
	},
	func(m *machine, key string) error { // cancelled, with the answer on its way
		key += " cancelled"
		ctx, cancel := context.WithTimeout(bg, time.Millisecond)
		defer cancel()
		m.net.On(faultstore.Match{If: faultstore.Acquires, Key: key, Times: 1}, faultstore.Hold(20*time.Millisecond))
		_, err := m.AcquireLock(ctx, key)
		time.Sleep(5 * time.Millisecond) // real time: the answer's; fake in a bubble
		return isNot(err, context.DeadlineExceeded)
	},
	func(m *machine, key string) error { // lost
		key += " lost"
		l, err := m.AcquireLock(bg, key, dynalock.KeepAlive(), dynalock.WithLease(dynalock.MinLease))
		if err != nil {
			return err
		}
		if _, err := m.w.side.Write(bg, key, lockstore.Write{If: lockstore.All(lockstore.Exists{}), Delete: true}); err != nil {
			return err
		}
		<-l.Done()
		return isNot(l.Release(bg), dynalock.ErrLost)
	},
	func(m *machine, key string) error { // a release that fails
		key += " failed"
		l, err := m.AcquireLock(bg, key)
		if err != nil {
			return err
		}
		m.net.On(faultstore.Match{If: faultstore.Releases, Key: key, Times: 1}, faultstore.Deny())
		return errors.Join(isNot(l.Release(bg), dynalock.ErrAccessDenied), l.Release(bg))
	},
}

// isNot gives an error unless err is one of those.
func isNot(err error, want ...error) error {
	for _, w := range want {
		if errors.Is(err, w) {
			return nil
		}
	}
	return fmt.Errorf("%w, and not %v", err, want)
}

// oneRenewalAtATime: however slow the answers are, two renewals of one lock are
// never under way together.
func oneRenewalAtATime(w *world, slow time.Duration) {
	m := w.machine("m")
	var l *dynalock.Lock
	for start := time.Now(); time.Since(start) < pick(w, 20*time.Second, 15*time.Second); w.pass(20 * time.Millisecond) {
		if l == nil || !l.Held() {
			first := l == nil
			if l = m.take("k", w.liveWait()...); first {
				m.net.On(faultstore.Match{If: faultstore.Renewals}, faultstore.Hold(slow))
			}
		}
	}
	last, count := map[string]faultstore.Entry{}, 0 // by key: a session is renewed beside its locks
	for _, e := range m.net.Log() {
		if e.Op != faultstore.OpWrite || e.What != "renewal" {
			continue
		}
		if before := last[e.Key]; before.Op != 0 && (before.End.IsZero() || before.End.After(e.Start)) {
			w.t.Errorf("two at once:\n%v\n%v", before, e)
		}
		last[e.Key] = e
		count++
	}
	if count < pick(w, 10, 3) {
		w.t.Errorf("%d renewals", count)
	}
}

const label = "scenario"

// labelled runs f, and marks what it starts.
func labelled(name string, f func()) {
	pprof.Do(bg, pprof.Labels(label, name), func(context.Context) { f() })
}

// goroutines counts those of the scenario: in a bubble all of them, and else
// those that clients have started. Others come and go, and stores have theirs.
func (w *world) goroutines() (n int) {
	if !w.real {
		stacks := make([]byte, 1<<20)
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "synctest bubble")
	}
	var text strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		w.t.Fatal(err)
	}
	// Each group of like goroutines begins with how many they are.
	for group := range strings.SplitSeq(text.String(), "\n\n") {
		count, _, _ := strings.Cut(group, " @ ")
		if like, err := strconv.Atoi(count); err == nil && strings.Contains(group, "\tgithub.com/kmdeveloping/dynalock.") &&
			strings.Contains(group, strconv.Quote(w.t.Name())) {
			n += like
		}
	}
	return n
}
