package gocronlock_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-co-op/gocron/v2"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A cluster is nodes with one table, in fake time.
type cluster struct {
	t     *testing.T
	store *memstore.Store
	began time.Time

	mu      sync.Mutex
	ran     []string // "node@seconds since the beginning"
	running int
	most    int
}

// bubble runs a test of a cluster in fake time.
func bubble(t *testing.T, f func(*testing.T, *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, &cluster{t: t, store: memstore.New(), began: time.Now()})
	})
}

// at waits until that long after the beginning.
func (c *cluster) at(d time.Duration) {
	time.Sleep(time.Until(c.began.Add(d))) // fake time: called in bubbles
	synctest.Wait()
}

// runs gives what ran so far, and forgets it.
func (c *cluster) runs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ran := c.ran
	c.ran = nil
	return ran
}

func (c *cluster) want(runs ...string) {
	c.t.Helper()
	if got := c.runs(); !slices.Equal(got, runs) {
		c.t.Errorf("ran %q, want %q", got, runs)
	}
}

// job notes a run of that length, and how many go on at once.
func (c *cluster) job(node string, length time.Duration) {
	c.mu.Lock()
	c.ran = append(c.ran, fmt.Sprintf("%s@%v", node, time.Since(c.began).Seconds()))
	c.running++
	c.most = max(c.most, c.running)
	c.mu.Unlock()
	time.Sleep(length) // fake time: called in bubbles
	c.mu.Lock()
	c.running--
	c.mu.Unlock()
}

// A node is a client with its own way to the table, and a scheduler.
type node struct {
	gocron.Scheduler
	name   string
	net    *faultstore.Store
	client *dynalock.Client
}

// node makes a client, which is closed at the end.
func (c *cluster) node(name string) *node {
	c.t.Helper()
	n := &node{name: name, net: faultstore.New(c.store)}
	n.client = dynalock.New(n.net, dynalock.WithLockOwnerName(name))
	c.t.Cleanup(func() {
		n.net.Up()
		must(c.t, n.client.Close(bg))
		n.net.Close()
	})
	return n
}

// schedule starts the node's scheduler, which is shut down at the end.
func (c *cluster) schedule(n *node, by gocron.SchedulerOption) {
	c.t.Helper()
	s, err := gocron.NewScheduler(by, gocron.WithLocation(time.UTC))
	must(c.t, err)
	n.Scheduler = s
	c.t.Cleanup(func() { _ = s.Shutdown() }) // an error if the test did so itself
	s.Start()
}

// every adds a job that the node begins off later than the cluster's moment.
func (c *cluster) every(n *node, period, off, length time.Duration, opts ...gocron.JobOption) {
	c.t.Helper()
	opts = append([]gocron.JobOption{
		gocron.WithName("report"),
		gocron.WithStartAt(gocron.WithStartDateTime(c.began.Add(period + off))),
	}, opts...)
	_, err := n.NewJob(gocron.DurationJob(period), gocron.NewTask(func() { c.job(n.name, length) }), opts...)
	must(c.t, err)
}
