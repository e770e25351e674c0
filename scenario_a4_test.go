package dynalock_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// A holder that was stopped, lost the lock meanwhile and then releases it
// leaves the new holder's row alone.
func TestA4_FormerHolderReleases(t *testing.T) {
	for name, opts := range map[string][]dynalock.AcquireOption{
		"keep": live(), "delete": append(live(), dynalock.DeleteOnRelease()),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b, c, o := w.machine("a"), w.machine("b"), w.machine("c"), oracle{t: w.t}
				l := o.add(a, a.take("k", opts...))
				next := b.wait(background, "k", append(opts, dynalock.Wait())...)
				o.pass(500 * time.Millisecond)
				a.clock.Freeze()
				o.pass(2 * lease)
				o.add(b, next.within(w.t, 0))
				after := c.wait(background, "k", dynalock.Wait())
				o.pass(200 * time.Millisecond)

				before := w.row("k")
				a.clock.Thaw()
				err := l.Release(background)
				var lost *dynalock.LostError
				if !errors.As(err, &lost) || !errors.Is(err, dynalock.ErrNotHeld) {
					w.t.Errorf("release: %v", err)
				}
				if r := w.row("k"); r == nil || r.Nonce != before.Nonce || r.Seq != before.Seq {
					w.t.Errorf("row was %+v, is %+v", before, r)
				}
				o.pass(2 * lease)
				if !next.lock.Held() || after.over() {
					w.t.Errorf("%v; the third has %v, %v", next.lock, after.lock, after.err)
				}
			})
		})
	}
}

// Three machines that are stopped at random: whoever is awake never believes
// beside another, and no lease ends without a stop.
func TestA4_RandomStops(t *testing.T) {
	inWorld(t, func(w *world) {
		o := oracle{t: w.t}
		end := time.Now().Add(time.Minute)
		done := make(chan int)
		for i, name := range []string{"a", "b", "c"} {
			m := w.machine(name)
			rng := rand.New(rand.NewPCG(4, uint64(i)))
			go func() {
				taken := 0
				for time.Now().Before(end) {
					stopUsers(w, &o, m, rng)
					taken++
				}
				done <- taken
			}()
		}
		o.pass(time.Minute)
		total := 0
		for range 3 {
			total += <-done
		}
		if total < 10 {
			w.t.Errorf("%d acquisitions in a minute", total)
		}
	})
}

// stopUsers takes the lock, is stopped for up to two leases, and releases. It
// must lose the lock if, and only if, it was stopped for about a lease.
func stopUsers(w *world, o *oracle, m *machine, rng *rand.Rand) {
	l, err := m.AcquireLock(background, "k", liveWait()...)
	if err != nil {
		w.t.Error(err)
		return
	}
	o.add(m, l)
	time.Sleep(seconds(rng, 0, 1)) // fake time: in a bubble
	stop := seconds(rng, 0, 6)
	m.clock.Freeze()
	time.Sleep(stop) // fake time: in a bubble
	m.clock.Thaw()
	err = l.Release(background)
	lost := errors.Is(err, dynalock.ErrLost)
	// A third of the lease may have passed since the last renewal.
	if err != nil && !lost || stop > lease && !lost || stop < lease*6/10 && lost {
		w.t.Errorf("stopped for %v: %v", stop, err)
	}
}

// A cutOff is a way in which a holder stops reaching the store.
type cutOff struct {
	cut   func(m *machine)
	front func(lockstore.Store) lockstore.Store
	is    error // what the loss tells as its cause
}

func cutOffs() map[string]cutOff {
	return map[string]cutOff{
		"swallowed": {cut: func(m *machine) { m.net.Down(faultstore.BlackHole()) }, is: dynalock.ErrUnavailable},
		"refused":   {cut: func(m *machine) { m.net.Down(faultstore.Refuse()) }, is: dynalock.ErrUnavailable},
		"denied":    {cut: func(m *machine) { m.net.Down(faultstore.Deny()) }, is: dynalock.ErrAccessDenied},
		"hung for ever": { // the call does not even end with its context
			cut:   func(m *machine) { m.net.On(faultstore.Match{}, faultstore.NewGate().Before()) },
			front: func(s lockstore.Store) lockstore.Store { return deaf{s} },
		},
	}
}

// A holder that cannot reach the store learns it from its own clock, before
// anybody else can have the lock.
func TestA6_HolderNoticesByItself(t *testing.T) {
	for name, how := range cutOffs() {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(6, 1))
			for i := range 50 {
				phase := lease + seconds(rng, 0, 3)
				var by []dynalock.ClientOption // by the clock, and by what is seen
				if i%2 == 0 {
					by = append(by, dynalock.ObserveOnly())
				}
				inWorld(t, func(w *world) { cutOffAt(w, how, phase, by) }, dates())
			}
		})
	}
}

func cutOffAt(w *world, how cutOff, phase time.Duration, by []dynalock.ClientOption) {
	net := faultstore.New(w.table)
	a, b := w.connect("a", net, how.front, dynalock.WithClockMargin(margin)), w.process("b", by...)
	slow := net.On(faultstore.Match{}, faultstore.Hold(200*time.Millisecond))
	l := a.take("k", live()...)
	next := b.wait(background, "k", dynalock.Wait())
	// Nobody asks the handle anything: its own timer has to tell.
	lost := make(chan time.Time, 1)
	go func() { <-l.Done(); lost <- time.Now() }()
	pass(phase)
	slow.Off()
	how.cut(a)
	cut := time.Now()
	next.within(w.t, 2*lease+dynalock.DefaultPollMax)
	var sent time.Time // of the last write whose answer came
	for _, e := range net.Log() {
		if e.Applied && !e.End.IsZero() && e.Err == nil {
			sent = e.Start
		}
	}
	select {
	case at := <-lost:
		if at.After(sent.Add(lease)) || at.After(next.at) || at.Before(cut) {
			w.t.Errorf("cut at %v: lost %v after the last renewal, %v before the next had it",
				phase, at.Sub(sent), next.at.Sub(at))
		}
	default:
		w.t.Errorf("cut at %v: the next holder has it, and the former does not know", phase)
	}
	if err := l.Err(); !errors.Is(err, dynalock.ErrLost) || how.is != nil && !errors.Is(err, how.is) {
		w.t.Errorf("cut at %v: %v", phase, err)
	}
	net.Close() // lets hung calls go
}

// One call that hangs does not cost the lock: the next renewal is another one.
func TestA6_OneHungCall(t *testing.T) {
	inWorld(t, func(w *world) {
		a, o := w.machine("a"), oracle{t: w.t}
		l := o.add(a, a.take("k", live()...))
		rule := a.net.On(faultstore.Match{If: faultstore.Renewals, Times: 1}, faultstore.NewGate().Before())
		o.pass(4 * lease)
		if rule.Fired() != 1 || !l.Held() {
			w.t.Errorf("met %d times, %v", rule.Fired(), l.Err())
		}
	})
}
