package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

const (
	soakSeeds    = 30
	soakTime     = 5 * time.Minute
	soakMaxLease = 6 * time.Second
)

// TestSoak lets four machines compete for one lock while requests, clocks and
// processes misbehave at random: never do two believe, tokens rise, and when
// it is over the lock can be had.
func TestSoak(t *testing.T) {
	for seed := range uint64(soakSeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				s := &soak{
					w: w, o: &oracle{t: w.t}, rng: rand.New(rand.NewPCG(seed, 0)),
					deletes: seed%3 == 0, clockAt: map[*machine]time.Time{},
				}
				s.run(seed)
				if w.t.Failed() {
					w.t.Logf("seed %d", seed)
				}
			}, dates())
		})
	}
}

// A soak is one run. Its director alone stops machines and sets clocks, and
// judges in between, so that it never asks a machine that it has just stopped.
type soak struct {
	w        *world
	o        *oracle
	deletes  bool       // some releases delete the row: tokens go on from clocks then
	rng      *rand.Rand // the director's
	machines []*machine
	clockAt  map[*machine]time.Time // when its clocks were last put right

	mu    sync.Mutex
	token uint64
	taken int
}

func (s *soak) run(seed uint64) {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	history := faultstore.NewHistory()
	var users sync.WaitGroup
	for i := range uint64(4) {
		net := faultstore.New(s.w.table, faultstore.WithHistory(history))
		opts := []dynalock.ClientOption{dynalock.WithClockMargin(margin)}
		if i == 3 {
			opts = append(opts, dynalock.ObserveOnly())
		}
		m := s.w.connect(string(rune('a'+i)), net, nil, opts...)
		net.Seed(seed*10+i, faultstore.Rates{
			Cut: .04, Fail: .04, Refuse: .03, Throttle: .03, Hold: .05, Delay: .05, Late: .05, Stale: .2,
			MaxDelay: 2 * time.Second,
		})
		repeatSome(net, rand.New(rand.NewPCG(seed, 100+i)))
		s.machines = append(s.machines, m)
		rng := rand.New(rand.NewPCG(seed, 1+i))
		users.Go(func() {
			for ctx.Err() == nil {
				s.use(ctx, m, rng)
			}
		})
	}
	s.direct(soakTime)
	cancel()
	for _, m := range s.machines {
		m.net.Seed(0, faultstore.Rates{})
	}
	done := make(chan struct{})
	go func() { users.Wait(); close(done) }()
	for range 6000 {
		if pass(10 * time.Millisecond); isClosed(done) {
			break
		}
		s.o.check()
	}
	if s.w.t.Failed() {
		return
	}
	if !isClosed(done) {
		s.w.t.Fatal("a call does not end")
	}
	s.w.machine("last").wait(background, "k", dynalock.Wait()).within(s.w.t, soakMaxLease+130*time.Second)
	if s.taken < 20 {
		s.w.t.Errorf("taken %d times: this shows little", s.taken)
	}
}

// repeatSome delivers some writes twice. Acquires are not among them, unless
// their answer is lost: of a copy that nobody can know of, nobody can look for
// what it leaves.
func repeatSome(net *faultstore.Store, rng *rand.Rand) {
	var mu sync.Mutex
	one := func(share float64, acquires bool) func(string, lockstore.Write) bool {
		return func(key string, w lockstore.Write) bool {
			mu.Lock()
			defer mu.Unlock()
			return rng.Float64() < share && faultstore.Acquires(key, w) == acquires
		}
	}
	net.On(faultstore.Match{If: one(.05, false)}, faultstore.Repeat(seconds(rng, 0, 3)))
	net.On(faultstore.Match{If: one(.03, true)}, faultstore.Chain(faultstore.Repeat(seconds(rng, 0, 20)), faultstore.ApplyCut()))
}

// A trouble is what befalls one machine for a while.
type trouble struct {
	begin, end func(*machine)
	victim     *machine // nil: nobody at present
	until      time.Time
}

// direct lets time go by, and stops one machine and sets the clock of another
// now and then.
func (s *soak) direct(d time.Duration) {
	troubles := [2]trouble{
		{begin: s.stop, end: func(m *machine) { m.clock.GoOn() }},
		{
			begin: func(m *machine) { m.clock.SetWall(seconds(s.rng, -3600, 3600)) },
			end:   func(m *machine) { m.clock.SetWall(0) },
		},
	}
	for end := time.Now().Add(d); time.Now().Before(end) && !s.w.t.Failed(); {
		for i := range troubles {
			is, other := &troubles[i], &troubles[1-i]
			m := s.machines[s.rng.IntN(4)]
			switch {
			case is.victim != nil && time.Now().After(is.until):
				is.end(is.victim)
				s.clockAt[is.victim] = time.Now()
				is.victim = nil
			case is.victim == nil && m != other.victim && s.rng.IntN(400) == 0:
				is.victim, is.until = m, time.Now().Add(seconds(s.rng, 0.1, 10))
				is.begin(m)
			}
		}
		pass(10 * time.Millisecond)
		s.o.check()
	}
	for _, is := range troubles {
		if is.victim != nil {
			is.end(is.victim)
		}
	}
}

// stop is either SIGSTOP or a lid that is closed. The latter only if the wall
// clock has been right for longer than any lease: a wall clock that is set back
// hides how long the other one stood still, and both wrong within one lease is
// more than the protocol promises to survive.
func (s *soak) stop(m *machine) {
	m.clock.Freeze()
	if s.rng.IntN(2) == 0 && time.Since(s.clockAt[m]) > time.Minute {
		m.clock.Suspend()
	}
}

// use takes the lock once, in one of the ways in which users do.
func (s *soak) use(ctx context.Context, m *machine, rng *rand.Rand) {
	opts := [][]dynalock.AcquireOption{
		{dynalock.KeepAlive(), dynalock.WithLease(seconds(rng, 1, soakMaxLease.Seconds()))},
		{dynalock.WithLease(seconds(rng, 1, soakMaxLease.Seconds()))},
		{dynalock.WithoutLease()},
	}[rng.IntN(3)]
	if s.deletes && rng.IntN(2) == 0 {
		opts = append(opts, dynalock.DeleteOnRelease())
	}
	if rng.IntN(3) > 0 {
		opts = append(opts, dynalock.WaitFor(seconds(rng, 0, 15)))
	}
	given, cancel := context.WithTimeout(background, seconds(rng, 0.05, 30))
	defer cancel()
	l, err := m.AcquireLock(given, "k", opts...)
	if (l == nil) == (err == nil) {
		s.w.t.Errorf("%v, %v", l, err)
	}
	if err != nil {
		switch {
		case errors.Is(err, dynalock.ErrHeld), errors.Is(err, dynalock.ErrUnavailable),
			errors.Is(err, dynalock.ErrThrottled), errors.Is(err, context.DeadlineExceeded):
		case ctx.Err() != nil: // a run that failed is over
		default:
			s.w.t.Error(err)
		}
		time.Sleep(seconds(rng, 0, 1)) // fake time: in a bubble
		return
	}
	s.got(m, l)
	select {
	case <-l.Done():
	case <-ctx.Done():
	case <-time.After(seconds(rng, 0, 4)):
	}
	if rng.IntN(4) == 0 {
		_ = l.Update(given, []byte("x"))
	}
	// A lock without a lease stays until its release gets through.
	for err = l.Release(background); err != nil && !errors.Is(err, dynalock.ErrLost) && !errors.Is(err, dynalock.ErrClosed); err = l.Release(background) {
		time.Sleep(seconds(rng, 0, 1)) // fake time: in a bubble
	}
}

// got notes a new handle; what was lost before its caller saw it may be old.
func (s *soak) got(m *machine, l *dynalock.Lock) {
	s.o.add(m, l)
	if !l.Held() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	if l.Token() <= s.token && !s.deletes {
		s.w.t.Errorf("token %d after %d", l.Token(), s.token)
	}
	s.token = max(s.token, l.Token())
}
