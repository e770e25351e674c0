package k8slock_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"

	"github.com/kmdeveloping/dynalock/integrations/k8slock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(nowhere{})
	os.Exit(enginetest.Run(m))
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An election is candidates with one table, in fake time.
type election struct {
	t     *testing.T
	table *memstore.Store

	mu   sync.Mutex
	lead map[string]bool
	most int // leaders at once
}

func bubble(t *testing.T, f func(*testing.T, *election)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, &election{t: t, table: memstore.New(), lead: map[string]bool{}})
	})
}

// A candidate is client-go's elector with its own way to the table.
type candidate struct {
	net    *faultstore.Store
	stop   func()
	mu     sync.Mutex
	leader string // as OnNewLeader said last
	events []string
}

func (e *election) run(name string, release bool) *candidate {
	e.t.Helper()
	c := &candidate{net: faultstore.New(e.table)}
	lock, err := k8slock.New(c.net, "controller", name, k8slock.OnEvent(func(event string) {
		c.mu.Lock()
		c.events = append(c.events, event)
		c.mu.Unlock()
	}))
	must(e.t, err)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
		ReleaseOnCancel: release,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { e.set(name, true) },
			OnStoppedLeading: func() { e.set(name, false) },
			OnNewLeader: func(leader string) {
				c.mu.Lock()
				c.leader = leader
				c.mu.Unlock()
			},
		},
	})
	must(e.t, err)
	ctx, cancel := context.WithCancel(bg)
	done := make(chan struct{})
	go func() {
		elector.Run(ctx)
		close(done)
	}()
	c.stop = func() {
		cancel()
		<-done
	}
	e.t.Cleanup(func() {
		c.stop()
		c.net.Close()
	})
	return c
}

func (e *election) set(name string, leads bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lead[name] = leads; !leads {
		delete(e.lead, name)
	}
	e.most = max(e.most, len(e.lead))
}

func (e *election) leaders() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name := range e.lead {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// want waits until that long from now and looks who leads.
func (e *election) want(after time.Duration, names ...string) {
	e.t.Helper()
	time.Sleep(after) // fake time: called in bubbles
	synctest.Wait()
	if got := e.leaders(); !slices.Equal(got, names) {
		e.t.Errorf("%q lead, want %q", got, names)
	}
}

func (c *candidate) knows() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}
