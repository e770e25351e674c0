package dynalock_test

import (
	"context"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

type options = []dynalock.AcquireOption

// contradictions are options that cannot be, alone or together.
func contradictions() map[string]options {
	soon, cancel := context.WithDeadline(bg, time.Now().Add(10*time.Second))
	cancel() // a deadline is one also when the context has ended
	past, cancel := context.WithDeadline(bg, time.Now().Add(-time.Minute))
	cancel()
	far, cancel := context.WithDeadline(bg, time.Now().Add(11*365*24*time.Hour))
	cancel()
	hour := dynalock.WithLease(time.Hour)
	return map[string]options{
		"lease and none":              {hour, dynalock.WithoutLease()},
		"none and lease":              {dynalock.WithoutLease(), hour},
		"lease and context's":         {hour, dynalock.LeaseFromContext(soon, 0)},
		"none and context's":          {dynalock.WithoutLease(), dynalock.LeaseFromContext(soon, 0)},
		"none and kept alive":         {dynalock.WithoutLease(), dynalock.KeepAlive()},
		"two waits":                   {dynalock.Wait(), dynalock.WaitFor(time.Second)},
		"negative wait":               {dynalock.WaitFor(-1)},
		"negative at least":           {dynalock.HoldAtLeast(-1)},
		"negative at most":            {dynalock.KeepAlive(), dynalock.HoldAtMost(-1)},
		"at most nothing":             {dynalock.KeepAlive(), dynalock.HoldAtMost(0)},
		"at most, durable":            {dynalock.HoldAtMost(time.Hour)},
		"at least over at most":       {dynalock.KeepAlive(), dynalock.HoldAtLeast(61 * time.Second), dynalock.HoldAtMost(time.Minute)},
		"at least over the lease":     {dynalock.WithLease(time.Minute), dynalock.HoldAtLeast(61 * time.Second)},
		"at least over the default":   {dynalock.HoldAtLeast(dynalock.DefaultLease + 1)},
		"at least over the context's": {dynalock.LeaseFromContext(soon, 0), dynalock.HoldAtLeast(time.Minute)},
		"at least 11 years":           {dynalock.KeepAlive(), dynalock.HoldAtLeast(11 * 365 * 24 * time.Hour)},
		"no lease at all":             {dynalock.WithLease(0)},
		"negative lease":              {dynalock.WithLease(-time.Hour)},
		"short lease":                 {dynalock.WithLease(time.Second - 1)},
		"long lease":                  {dynalock.WithLease(dynalock.MaxLease + 1)},
		"context without deadline":    {dynalock.LeaseFromContext(bg, time.Hour)},
		"nil context":                 {dynalock.LeaseFromContext(noContext, time.Hour)},
		"context of the past":         {dynalock.LeaseFromContext(past, time.Second)},
		"context of the far future":   {dynalock.LeaseFromContext(far, 0)},
		"negative grace":              {dynalock.LeaseFromContext(soon, -time.Second)},
		"nil option":                  {nil},
	}
}

// Contradictions are refused without a request, by the call or, as far as
// they are seen there, by a client that has them as defaults.
func TestContradictions(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for name, opts := range contradictions() {
			_, err := a.AcquireLock(bg, "k", opts...)
			matchesOnly(t, name, err, dynalock.ErrInvalidOption)
			d := w.machine("d", dynalock.WithDefaults(opts...))
			_, err = d.AcquireLock(bg, "k")
			matchesOnly(t, name+", as defaults", err, dynalock.ErrInvalidOption)
			if n := a.net.Requests().Total() + d.net.Requests().Total(); n != 0 {
				t.Fatalf("%s: %d requests", name, n)
			}
		}
	})
}

// At their bounds they are fine.
func TestOptionsAtTheirBounds(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for name, opts := range map[string]options{
			"shortest lease":             {dynalock.WithLease(time.Second)},
			"longest lease":              {dynalock.WithLease(dynalock.MaxLease)},
			"at least the lease":         {dynalock.WithLease(time.Minute), dynalock.HoldAtLeast(time.Minute)},
			"at least over a live lease": {dynalock.KeepAlive(), dynalock.HoldAtLeast(time.Hour)},
			"at least without lease":     {dynalock.WithoutLease(), dynalock.HoldAtLeast(time.Hour)},
			"at least nothing":           {dynalock.HoldAtLeast(0)},
			"at least at most":           {dynalock.KeepAlive(), dynalock.HoldAtLeast(time.Minute), dynalock.HoldAtMost(time.Minute)},
			"live lease of its own":      {dynalock.KeepAlive(), dynalock.WithLease(time.Minute)},
		} {
			if l := a.take(name, opts...); !l.Held() {
				t.Errorf("%s: %v", name, l.Err())
			}
		}
	})
}

// The same option twice: the last counts, also where the first was wrong.
func TestSameOptionTwice(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a", dynalock.WithDefaults(dynalock.WithLease(time.Hour)), dynalock.WithDefaults(dynalock.WithLease(2*time.Hour)))
		a.take("defaults")
		a.take("call", dynalock.WithLease(-1), dynalock.WithLease(3*time.Hour))
		l := a.take("data", dynalock.WithData([]byte("first")), dynalock.WithData([]byte("last")))
		if d := w.row("defaults").Lease; d != 2*time.Hour {
			t.Error("defaults:", d)
		}
		if d := w.row("call").Lease; d != 3*time.Hour {
			t.Error("call:", d)
		}
		if string(l.Data()) != "last" {
			t.Errorf("%q", l.Data())
		}
	})
}

// A call's own options win over the client's, one thing at a time.
func TestDefaults(t *testing.T) {
	soon, cancel := context.WithCancel(bg)
	defer cancel()
	for _, c := range []struct {
		name           string
		defaults, call options
		lease          time.Duration
		live           bool
	}{
		{"nothing", nil, nil, dynalock.DefaultLease, false},
		{"live", options{dynalock.KeepAlive()}, nil, dynalock.DefaultLiveLease, true},
		{"live with a lease", options{dynalock.KeepAlive()}, options{dynalock.WithLease(time.Minute)}, time.Minute, true},
		{"a lease made live", options{dynalock.WithLease(time.Minute)}, options{dynalock.KeepAlive()}, time.Minute, true},
		{"no lease instead", options{dynalock.WithLease(time.Minute)}, options{dynalock.WithoutLease()}, 0, false},
		{"a lease instead", options{dynalock.WithoutLease()}, options{dynalock.WithLease(time.Minute)}, time.Minute, false},
		{"no longer live", options{dynalock.KeepAlive(), dynalock.HoldAtMost(time.Hour)}, options{dynalock.WithoutLease()}, 0, false},
		{"live instead", options{dynalock.WithoutLease()}, options{dynalock.KeepAlive()}, dynalock.DefaultLiveLease, true},
		{"at most of the call", options{dynalock.KeepAlive()}, options{dynalock.HoldAtMost(time.Hour)}, dynalock.DefaultLiveLease, true},
		{"context's instead", options{dynalock.WithLease(time.Hour)}, options{dynalock.LeaseFromContext(soon, 0)}, -1, false},
	} {
		bubble(t, func(t *testing.T, w *world) {
			var e events
			a := w.machine("a", dynalock.WithDefaults(c.defaults...), dynalock.WithObserver(e.observe))
			if _, err := a.AcquireLock(bg, "k", c.call...); c.lease < 0 {
				matchesOnly(t, c.name, err, dynalock.ErrInvalidOption)
				return
			} else if err != nil {
				t.Fatal(c.name, err)
			}
			if r, live := w.row("k"), e.of(dynalock.EventAcquired)[0].Live; r.Lease != c.lease || live != c.live {
				t.Errorf("%s: lease %v, live %v", c.name, r.Lease, live)
			}
		})
	}
}

// Whether to wait is one thing too.
func TestDefaultsOfWaiting(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("b").take("k")
		a := w.machine("a", dynalock.WithDefaults(dynalock.Wait(), dynalock.DeleteOnRelease(), dynalock.WithData([]byte("x"))))
		for d, opt := range map[time.Duration]dynalock.AcquireOption{
			0: dynalock.WaitFor(0), 3 * time.Second: dynalock.WaitFor(3 * time.Second),
		} {
			took := tookTime(func() {
				_, err := a.AcquireLock(bg, "k", opt)
				matchesOnly(t, "held", err, dynalock.ErrHeld)
			})
			if took != d {
				t.Errorf("WaitFor(%v) took %v", d, took)
			}
		}
		_, err := a.AcquireLock(within(t, time.Minute), "k")
		matchesOnly(t, "the default", err, dynalock.ErrHeld, context.DeadlineExceeded)
		l := a.take("other")
		if r := w.row("other"); !r.DeleteOnRelease || string(l.Data()) != "x" {
			t.Errorf("%+v", r)
		}
	})
}

// WaitFor(0) is one try: one write, no read.
func TestWaitForNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("b").take("k")
		a := w.machine("a")
		_, err := a.AcquireLock(bg, "k", dynalock.WaitFor(0))
		matchesOnly(t, "held", err, dynalock.ErrHeld)
		if n := a.net.Requests(); n.Writes != 1 || n.Gets != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// A lease from a context lasts to its deadline and the grace, whatever the
// default is.
func TestLeaseFromContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("a", dynalock.WithDefaults(dynalock.WithoutLease())), w.machine("b")
		lambda, cancel := context.WithTimeout(bg, 10*time.Second)
		defer cancel()
		l := a.take("k", dynalock.LeaseFromContext(lambda, 2*time.Second))
		if left := time.Until(l.Deadline()); left > 12*time.Second || left < 11900*time.Millisecond {
			t.Errorf("%v left", left)
		}
		a.crash()
		if took := tookTime(func() { b.take("k", dynalock.Wait()) }); took < 12*time.Second || took > 12200*time.Millisecond {
			t.Errorf("free after %v", took)
		}
	})
}

// What a caller does with his bytes afterwards changes nothing.
func TestDataIsCopied(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		data := []byte("first")
		opt := dynalock.WithData(data)
		copy(data, "xxxxx")
		l := a.take("k", opt)
		l.Data()[0] = 'x'
		if string(l.Data()) != "first" || string(w.row("k").Data) != "first" {
			t.Errorf("%q %q", l.Data(), w.row("k").Data)
		}
		data = []byte("second")
		must(t, l.Update(bg, data))
		copy(data, "xxxxxx")
		if string(l.Data()) != "second" || string(w.row("k").Data) != "second" {
			t.Errorf("%q %q", l.Data(), w.row("k").Data)
		}
	})
}
