package otellock_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
	"github.com/kmdeveloping/dynalock/memstore"
)

func memoryClient(t testing.TB, opts ...dynalock.ClientOption) *dynalock.Client {
	t.Helper()
	c := dynalock.New(memstore.New(), opts...)
	t.Cleanup(func() { must(t, c.Close(bg)) })
	return c
}

// awhile lets several leases pass, in bubbles.
func awhile() { time.Sleep(2 * time.Minute) } // fake time: only bubbles call it

func pair(t testing.TB, c *dynalock.Client) {
	l, err := c.AcquireLock(bg, "k", dynalock.WithLease(time.Hour))
	must(t, err)
	must(t, l.Release(bg))
}

// everything does what there is to be told of, renewals by a timer aside.
func everything(t testing.TB, c *dynalock.Client) {
	l, err := c.AcquireLock(bg, "k", dynalock.WithLease(time.Hour))
	must(t, err)
	if _, err := c.AcquireLock(bg, "k"); err == nil {
		t.Fatal("two have the lock")
	}
	if _, err := c.AcquireLock(bg, "k", dynalock.WaitFor(time.Millisecond)); err == nil {
		t.Fatal("two have the lock")
	}
	must(t, l.Update(bg, []byte("x")))
	must(t, l.Renew(bg))
	l, err = c.ResumeLock(bg, "k")
	must(t, err)
	must(t, l.Release(bg))
}

// Where nothing is attached, what tells of events allocates nothing: of all
// allocations of a client at work, none is made in event.go or below it, nor in
// a function that puts an event together. With an observer some are, so this
// would find them.
func TestNothingAttached(t *testing.T) {
	for name, c := range map[string]struct {
		opts  []dynalock.ClientOption
		tells bool
	}{
		"nothing":  {nil, false},
		"observer": {[]dynalock.ClientOption{newLab(t).ClientOption()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := memoryClient(t, c.opts...)
			everything(t, client) // what is made once
			before := telling(t)
			everything(t, client)
			told := telling(t)
			for function, n := range before {
				if told[function] -= n; told[function] == 0 {
					delete(told, function)
				}
			}
			if len(told) > 0 != c.tells {
				t.Errorf("allocations for telling of events: %v", told)
			}
		})
	}
}

// telling counts the allocations so far that were made for events, by function.
func telling(t *testing.T) map[string]int64 {
	t.Helper()
	told := map[string]int64{}
	for range 3 { // what is allocated now shows after the second collection
		runtime.GC()
	}
	found, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, found+1000) // making it is recorded too
	found, ok := runtime.MemProfile(records, true)
	if !ok {
		t.Fatalf("%d records", found)
	}
	for _, r := range records[:found] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			_, function, inRoot := strings.Cut(f.Function, "kmdeveloping/dynalock.")
			if inRoot && (strings.HasSuffix(f.File, "/event.go") || strings.Contains(function, ".tell")) {
				told[function] += r.AllocObjects
				break
			}
		}
	}
	return told
}

// BenchmarkPair is an acquire and a release in memory: with nothing attached, an
// observer that does nothing, no-op providers, and the SDK's metrics and spans.
func BenchmarkPair(b *testing.B) {
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 0
	idle, err := otellock.New(otellock.WithMeterProvider(noop.NewMeterProvider()), otellock.WithTracerProvider(tracenoop.NewTracerProvider()))
	must(b, err)
	metrics := newLab(b)
	for _, c := range []struct {
		name string
		opts []dynalock.ClientOption
	}{
		{"nothing", nil},
		{"noop", []dynalock.ClientOption{idle.ClientOption()}},
		{"metrics", []dynalock.ClientOption{metrics.metricsOnly().ClientOption()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			client := memoryClient(b, c.opts...)
			b.ReportAllocs()
			for b.Loop() {
				pair(b, client)
			}
		})
	}
}
