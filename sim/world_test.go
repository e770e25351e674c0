package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A world is one table, the machines that use it, and what befalls them.
type world struct {
	*config
	t       *testing.T
	seed    uint64
	rng     *rand.Rand // the director's
	table   *memstore.Store
	history *faultstore.History
	oracle  *oracle
	keys    []string
	faulty  bool // requests meet faults
	rolling bool // two machines share an owner name
	aead    dynalock.AEAD

	machines []*machine
	streams  uint64 // of random numbers given out
	started  int

	mu      sync.Mutex
	handed  []string // texts of handles, for AttachLock
	calls   map[*call]bool
	leaving bool // users begin nothing new
}

// A machine has clocks, a connection, and a process, one after the other.
type machine struct {
	name    string
	owner   string
	clock   *clock
	process *process
	slow    time.Duration
	polls   bool
	watches bool // ObserveOnly

	changing bool // its process has ended or is closing; the next one will start

	// Under oracle.mu.
	troubles int       // going on
	calmFrom time.Time // when the last one ended
	clockAt  time.Time // when its clocks were last put right
}

// A process is a client and the users of its locks.
type process struct {
	*machine
	w      *world
	name   string
	client *dynalock.Client
	net    *net
	faults *faultstore.Store
	ends   []context.CancelFunc // of its users
	users  sync.WaitGroup
	dead   atomic.Bool
	tokens map[string]uint64 // under oracle.mu; the last one handed out
}

func (p *process) String() string { return p.name }

func (p *process) frozen() bool { return p.clock.standsStill() }

// troubledSince reports whether anything befell the machine since t; o.mu is
// held.
func (m *machine) troubledSince(t time.Time) bool { return m.troubles > 0 || m.calmFrom.After(t) }

// stream gives random numbers of their own to somebody.
func (w *world) stream() *rand.Rand {
	w.streams++
	return rand.New(rand.NewPCG(w.seed, 1000+w.streams))
}

func newWorld(t *testing.T, seed uint64, c *config) *world {
	w := &world{
		config: c, t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 2)),
		history: faultstore.NewHistory(), calls: map[*call]bool{},
	}
	var opts []memstore.Option
	switch {
	case w.has["notime"]:
		opts = append(opts, memstore.WithoutTime())
	case w.has["dates"]:
		opts = append(opts, memstore.WithDateResolution(time.Second))
	}
	w.table = memstore.New(opts...)
	w.oracle = newOracle(w)
	w.faulty = w.config.faulty()
	for i := range w.config.keys {
		w.keys = append(w.keys, fmt.Sprint("k", i))
	}
	w.aead, _ = dynalock.NewAESGCM(make([]byte, 16))
	for i := range w.clients {
		m := &machine{name: string(rune('a' + i)), slow: between(w.rng, .0005, .02)}
		if slow := between(w.rng, .05, .3); w.rng.IntN(6) == 0 {
			m.slow = slow
		}
		m.owner = m.name
		wall, mono := 1e-3*(w.rng.Float64()-.5), 1e-3*(w.rng.Float64()-.5)
		if !w.has["drift"] {
			wall, mono = 0, 0
		}
		m.clock = newClock(wall, mono)
		if off := between(w.rng, -300, 300); w.has["wall"] {
			m.clock.setWall(off)
		}
		m.polls = w.rng.IntN(3) == 0 && w.has["polls"]
		m.watches = w.rng.IntN(4) == 0 && w.has["observe"]
		w.machines = append(w.machines, m)
	}
	if w.has["rolling"] {
		w.machines[1].owner, w.rolling = w.machines[0].owner, true
	}
	return w
}

// start gives a machine a new process.
func (w *world) start(m *machine, users bool) *process {
	w.started++
	p := &process{machine: m, w: w, name: fmt.Sprintf("%s%d", m.name, w.started), tokens: map[string]uint64{}}
	p.faults = faultstore.New(&table{Store: w.table, p: p}, faultstore.WithHistory(w.history))
	p.faults.Seed(w.seed*1000+uint64(w.started), w.requestFaults())
	w.repeats(p)
	p.net = &net{p: p, inner: p.faults, slow: m.slow, seed: w.stream().Uint64(), count: map[string]uint64{}}
	random, rng := sync.Mutex{}, w.stream()
	store := &hook.Store{Store: p.net, Now: m.clock.now, Polls: m.polls, Random: func(b []byte) {
		random.Lock()
		defer random.Unlock()
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
	}}
	opts := []dynalock.ClientOption{
		dynalock.WithLockOwnerName(m.owner), dynalock.WithClockMargin(w.margin), dynalock.WithRetention(w.retention),
	}
	if m.watches {
		opts = append(opts, dynalock.ObserveOnly())
	}
	if w.has["encrypt"] {
		opts = append(opts, dynalock.WithDataEncryption(w.aead))
	}
	p.client = dynalock.New(store, opts...)
	m.process = p
	for i := range w.users {
		u := w.user(p)
		if users && i < 1+int(w.seed)%w.users || users && i == 0 {
			p.users.Go(u.run)
		}
	}
	return p
}

// user gives a process a user, which ends with it.
func (w *world) user(p *process) *user {
	u := &user{p: p, rng: w.stream()}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	p.ends = append(p.ends, u.cancel)
	return u
}

// end ends the users of a process, one after the other.
func (p *process) end() {
	for _, end := range p.ends {
		end()
		time.Sleep(time.Microsecond) // fake time: in a bubble
	}
}

// repeats delivers some writes twice. Acquires and joins are among them only
// where their answer is lost: of a copy that nobody can know of, nobody can
// look for what it leaves.
func (w *world) repeats(p *process) {
	if !w.has["repeat"] {
		return
	}
	rng := w.stream()
	var mu sync.Mutex
	one := func(share float64, creates bool) func(string, lockstore.Write) bool {
		return func(key string, write lockstore.Write) bool {
			mu.Lock()
			defer mu.Unlock()
			return rng.Float64() < share*w.rates && begins(key, write) == creates && !w.over()
		}
	}
	p.faults.On(faultstore.Match{If: one(.05, false)}, faultstore.Repeat(between(rng, 0, 3)))
	p.faults.On(faultstore.Match{If: one(.03, true)}, faultstore.Chain(faultstore.Repeat(between(rng, 0, 20)), faultstore.ApplyCut()))
}

// begins reports a write that begins a tenure, or joins a queue.
func begins(key string, w lockstore.Write) bool {
	for _, change := range w.Do {
		if _, ok := change.(lockstore.AddWaiter); ok {
			return true
		}
	}
	return faultstore.Acquires(key, w)
}

// crash ends a process without a request.
func (w *world) crash(p *process) {
	w.oracle.note("%v crashes", p)
	p.dead.Store(true)
	p.net.kill()
	p.clock.thaw()
	p.end()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.client.Close(ended)
	p.users.Wait()
}

// trouble notes that something befalls a machine, or has ended.
func (w *world) trouble(m *machine, begins bool) {
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	if begins {
		m.troubles++
		return
	}
	m.troubles--
	m.calmFrom = time.Now()
}
