package dynalock_test

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// Processes that are stopped in the middle of things, as a suspended virtual
// machine or a long garbage collection does: SIGSTOP takes effect at once and
// nothing in the process can prepare for it.

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// A4 and A7: a holder that was stopped past its lease finds out before it does
// anything, and its release leaves the new holder's row alone.
func TestEngineStoppedHolder(t *testing.T) {
	t.Parallel()
	program := build(t, "process", "")
	tests := map[string]func(*testing.T){}
	for name, flags := range map[string][]string{"keep": nil, "delete": {"-delete"}} {
		tests[name] = func(t *testing.T) {
			e := newEngineTable(t)
			a := e.start(t, program, "a", append(flags, "-live", "-lease", "1s", "look", "acquire", "handle", "stay", "held", "release")...)
			a.goes("look")
			taken := a.goes("acquire")
			handle := a.goes("handle").Handle
			a.goes("stay")
			a.signal(syscall.SIGSTOP)
			began := time.Now()
			b := e.warm("b", 1)
			l := b.wait("k").within(t, 2*shortLease+slack)
			if l.Token() <= taken.Token {
				t.Errorf("token %d after %d", l.Token(), taken.Token)
			}
			c := e.warm("c", 1).wait("k")
			eventually(t, slack, "a third waits", func() bool { return e.queued("k") == 1 })
			was := e.item("k")
			time.Sleep(time.Until(began.Add(2 * shortLease))) // real time: the rest of the stop
			a.signal(syscall.SIGCONT)
			a.resume()
			a.fails("held", "ErrLost", "ErrNotHeld")
			a.fails("release", "ErrLost", "ErrNotHeld")
			a.ends()
			if _, err := b.AttachLock(ever, handle); !errors.Is(err, dynalock.ErrNotHeld) {
				t.Errorf("attaching the lost tenure: %v", err)
			}
			e.unchanged("k", was)
			if c.over() {
				t.Errorf("a third got %v, %v", c.lock, c.err)
			}
		}
	}
	together(t, tests)
}

const stressers = 3

// A stress is processes that compete for one lock while they are stopped at
// random.
type stress struct {
	t         *testing.T
	processes []*process
	mu        sync.Mutex
	holder    int       // who told last that it acquired
	since     time.Time // when it told
	held      [stressers][]processReport
	got       map[uint64]processReport // by token
	stolen    bool                     // somebody took over
	stops     [stressers][]stop
}

type stop struct{ from, to time.Time }

// Three processes take turns, are stopped for up to two leases, and release
// what they may have lost meanwhile: never do two believe at once, tokens rise,
// and a lock changes hands without a release only where its holder was stopped.
func TestEngineStress(t *testing.T) {
	t.Parallel()
	lasts := 15 * time.Second
	if testing.Short() {
		lasts = 10 * time.Second
	}
	program := build(t, "process", "")
	e := newEngineTable(t)
	s := &stress{t: t, got: map[uint64]processReport{}}
	for range stressers {
		s.processes = append(s.processes, e.start(t, program, "o", "-live", "-lease", "1s", "-pause", "500ms",
			"-for", lasts.String(), "stay", "loop"))
	}
	var reading sync.WaitGroup
	for i, p := range s.processes {
		p.goes("stay")
		p.resume()
		reading.Go(func() { s.read(i) })
	}
	s.stopThem(time.Now().Add(lasts - 2*shortLease))
	reading.Wait()
	for _, p := range s.processes {
		p.ends()
	}
	s.judge()
}

func (s *stress) read(i int) {
	p := s.processes[i]
	for p.out.Scan() {
		r := p.decode()
		s.mu.Lock()
		switch {
		case r.Do == "got":
			s.holder, s.since, s.got[r.Token], s.stolen = i, time.Now(), r, s.stolen || r.Stolen
		case r.Error == "" || r.matches("ErrLost"):
			s.held[i] = append(s.held[i], r)
		default:
			s.t.Errorf("process %d: %+v", i, r)
		}
		s.mu.Unlock()
	}
}

// stopThem stops mostly the holder, until somebody took over for as long as it
// takes to lose the lock.
func (s *stress) stopThem(end time.Time) {
	for n := 0; time.Now().Before(end); n++ {
		time.Sleep(50*time.Millisecond + rand.N(300*time.Millisecond)) // real time: they work
		i, stolen := s.toStop()
		if stolen && n%4 == 3 {
			i = rand.IntN(stressers)
		}
		from := time.Now()
		s.processes[i].signal(syscall.SIGSTOP)
		if stolen {
			time.Sleep(rand.N(2 * shortLease)) // real time: the stop is the point
		} else {
			s.untilStolen(8 * shortLease)
		}
		s.processes[i].signal(syscall.SIGCONT)
		s.stops[i] = append(s.stops[i], stop{from, time.Now()})
	}
}

// untilStolen waits until somebody took over. What was handed over is granted
// for the claim window of 3 s to begin with, whatever the lease.
func (s *stress) untilStolen(limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		s.mu.Lock()
		stolen := s.stolen
		s.mu.Unlock()
		if stolen {
			return
		}
		time.Sleep(5 * time.Millisecond) // real time: the stop is the point
	}
}

// toStop is the holder and, until somebody took over, one that has only just
// acquired. Of those who wait for the lock none is worth it: what is handed over
// to them waits for them.
func (s *stress) toStop() (holder int, stolen bool) {
	for end := time.Now().Add(4 * shortLease); ; {
		s.mu.Lock()
		holder, stolen = s.holder, s.stolen
		just := time.Since(s.since) < 20*time.Millisecond
		s.mu.Unlock()
		if stolen || just || time.Now().After(end) {
			return holder, stolen
		}
		time.Sleep(5 * time.Millisecond) // real time: they work
	}
}

func (s *stress) judge() {
	var all []processReport
	lost := 0
	for i, held := range s.held {
		if len(held) == 0 {
			s.t.Errorf("process %d never had the lock", i)
		}
		all = append(all, held...)
		for _, r := range held {
			if !r.matches("ErrLost") {
				continue
			}
			lost++
			// By its own looks too: on a busy machine a process may stand still
			// without our doing, also before its first look.
			if r.To != 0 && !s.stopped(s.stops[i], r.From, r.To) && time.Duration(r.Gap) < shortLease/2 {
				s.t.Errorf("process %d lost %+v and was not stopped: %v", i, r, s.stops[i])
			}
		}
	}
	if len(s.got) != len(all) {
		s.t.Errorf("%d tokens for %d tenures", len(s.got), len(all))
	}
	noOverlap(s.t, all)
	takeovers := s.judgeTakeovers(all)
	s.t.Logf("%d tenures, %d takeovers, %d lost", len(all), takeovers, lost)
	if takeovers == 0 {
		s.t.Error("nobody took over, though its holder was stopped")
	}
}

// judgeTakeovers wants each to follow a tenure that was lost, or a time in
// which somebody was stopped between the acquire and its answer.
func (s *stress) judgeTakeovers(all []processReport) (n int) {
	slices.SortFunc(all, func(a, b processReport) int { return cmp.Compare(a.Token, b.Token) })
	stops := slices.Concat(s.stops[:]...)
	for i, r := range all {
		if !r.Stolen {
			continue
		}
		n++
		if i > 0 && !all[i-1].matches("ErrLost") && !s.stopped(stops, all[i-1].To, r.From) {
			s.t.Errorf("%+v took over from %+v", r, all[i-1])
		}
	}
	return n
}

// stopped reports whether one of the stops fell into that time, or began right
// after it.
func (s *stress) stopped(stops []stop, from, to int64) bool {
	return slices.ContainsFunc(stops, func(stop stop) bool {
		return stop.from.UnixNano() <= to+int64(slack) && stop.to.UnixNano() >= from
	})
}
