package tests_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/rs/zerolog"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// What breaks here are connections, under the SDK and net/http as they are:
// nothing of this repository stands between the client and the network.
const (
	lease = time.Second
	slack = 2 * time.Second // what a busy machine may need
)

// Toxics: both ways of the network, what it does to which.
const (
	nothingArrives = `{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`
	noAnswers      = `{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`
	answersCut     = `{"type":"limit_data","stream":"downstream","attributes":{"bytes":100}}`
	reset          = `{"type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`
	slow           = `{"type":"latency","stream":"downstream","attributes":{"latency":60,"jitter":40}}`
	tooSlow        = `{"type":"latency","stream":"downstream","attributes":{"latency":3000}}`
)

// A network is a table, and a proxy before it that one of the clients uses.
type network struct {
	t     *testing.T
	table string
	db    *dynamodb.Client // past the proxy
	proxy *toxiproxy.Proxy
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, db: enginetest.Client(t)}
	n.table = enginetest.Table(t, n.db)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	n.proxy = toxiproxy.NewProxy(server, n.table, "127.0.0.1:0", strings.TrimPrefix(enginetest.Endpoint(t), "http://"))
	if err := n.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.proxy.Stop)
	return n
}

// far gives a client behind the proxy, near one past it. Both know the store's
// time already.
func (n *network) far(owner string) *dynalock.Client {
	n.t.Helper()
	transport := &http.Transport{}
	n.t.Cleanup(transport.CloseIdleConnections)
	return n.client(owner, enginetest.NewClient("http://"+n.proxy.Listen, &http.Client{Transport: transport}))
}

func (n *network) near(owner string) *dynalock.Client {
	n.t.Helper()
	return n.client(owner, n.db)
}

func (n *network) client(owner string, db *dynamodb.Client) *dynalock.Client {
	n.t.Helper()
	c := dynalock.NewDynalockClient(db, n.table, dynalock.WithLockOwnerName(owner),
		dynalock.WithPollInterval(20*time.Millisecond, 100*time.Millisecond))
	n.t.Cleanup(func() {
		n.heal()
		ctx, cancel := context.WithTimeout(ever, 10*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			n.t.Error(err)
		}
	})
	if _, err := c.GetLock(ever, "no such key"); !errors.Is(err, dynalock.ErrNotFound) {
		n.t.Fatal(err)
	}
	return c
}

// poison breaks connections, those that are open too.
func (n *network) poison(toxics ...string) {
	n.t.Helper()
	for _, toxic := range toxics {
		if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *network) heal() { n.proxy.Toxics.ResetToxics(ever) }

// live is a lock with the shortest lease, that its client renews.
func live(more ...dynalock.AcquireOption) []dynalock.AcquireOption {
	return append(more, dynalock.WithLease(lease), dynalock.KeepAlive())
}

func acquire(t *testing.T, c *dynalock.Client, opts ...dynalock.AcquireOption) *dynalock.Lock {
	t.Helper()
	ctx, cancel := context.WithTimeout(ever, 10*time.Second)
	defer cancel()
	l, err := c.AcquireLock(ctx, "k", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Whatever becomes of the connections: the holder believes no longer than its
// lease, and nobody else holds before it has stopped.
func TestToxiproxyPartition(t *testing.T) {
	t.Parallel()
	for name, toxics := range map[string][]string{
		"cut both ways":    {nothingArrives, noAnswers},
		"requests lost":    {nothingArrives},
		"answers lost":     {noAnswers},
		"answers cut":      {answersCut},
		"connection reset": {reset},
		"too slow":         {tooSlow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			far, near := n.far("far"), n.near("near")
			l := acquire(t, far, live()...)
			type got struct {
				lock *dynalock.Lock
				at   time.Time
			}
			next := make(chan got, 1)
			go func() {
				m, err := near.AcquireLock(ever, "k", live(dynalock.Wait())...)
				if err != nil {
					t.Error(err)
				}
				next <- got{m, time.Now()}
			}()
			time.Sleep(lease / 2) // real time: past a renewal
			n.poison(toxics...)
			cut := time.Now()
			last := lastHeld(t, l)
			if last.After(cut.Add(lease)) {
				t.Errorf("believed for %v after the cut", last.Sub(cut))
			}
			m := <-next
			if m.at.Before(last) {
				t.Errorf("two believe for %v", last.Sub(m.at))
			}
			if took := m.at.Sub(cut); took > 2*lease+slack {
				t.Errorf("the lock is free %v after the cut", took)
			}
			n.heal()
			if err := l.Release(ever); !errors.Is(err, dynalock.ErrLost) {
				t.Errorf("release of what was lost: %v", err)
			}
			if !m.lock.Held() || m.lock.Token() <= l.Token() {
				t.Errorf("%v after %v", m.lock, l)
			}
			if err := m.lock.Release(ever); err != nil {
				t.Fatal(err)
			}
			if again := acquire(t, far, live(dynalock.Wait())...); again.Token() <= m.lock.Token() {
				t.Errorf("%v after %v", again, m.lock)
			}
		})
	}
}

// lastHeld waits until the lock is not held, and gives the last moment at which
// it was.
func lastHeld(t *testing.T, l *dynalock.Lock) (last time.Time) {
	t.Helper()
	for end := time.Now().Add(2*lease + slack); ; {
		now := time.Now()
		if !l.Held() {
			return last
		}
		if now.After(end) {
			t.Fatalf("still held: %v", l)
		}
		last = now
		time.Sleep(time.Millisecond) // real time: the lease runs
	}
}

// A slow network is no loss.
func TestToxiproxyLatency(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	l := acquire(t, n.far("far"), dynalock.WithLease(2*lease), dynalock.KeepAlive())
	n.poison(slow)
	select {
	case <-l.Done():
		t.Fatal(l.Err())
	case <-time.After(4 * lease):
	}
	if err := l.Release(ever); err != nil {
		t.Fatal(err)
	}
	acquire(t, n.near("near"))
}

// A release that does not get through is not forgotten: it succeeds once the
// network is back, by itself or when it is called again.
func TestToxiproxyReleaseAfterHeal(t *testing.T) {
	t.Parallel()
	for name, toxics := range map[string][]string{
		"cut both ways": {nothingArrives, noAnswers}, "answers lost": {noAnswers}, "answers cut": {answersCut}, "reset": {reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			far, near := n.far("far"), n.near("near")
			l := acquire(t, far)
			n.poison(toxics...)
			ctx, cancel := context.WithTimeout(ever, 300*time.Millisecond)
			defer cancel()
			if err := l.Release(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("release: %v", err)
			}
			n.heal()
			if err := l.Release(ever); err != nil {
				t.Errorf("release again: %v", err)
			}
			acquire(t, near)
		})
	}
}

// An acquire that was carried out but not answered is adopted or replaced by
// the same client's next one.
func TestToxiproxyAcquireAfterHeal(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	far := n.far("far")
	n.poison(answersCut)
	if l, err := far.AcquireLock(ever, "k"); l != nil || !errors.Is(err, dynalock.ErrUnavailable) {
		t.Fatalf("%v, %v", l, err)
	}
	if info, err := n.near("near").GetLock(ever, "k"); err != nil || info.Owner != "far" {
		t.Fatalf("it was not carried out: %+v, %v", info, err)
	}
	n.heal()
	l := acquire(t, far)
	if err := l.Renew(ever); err != nil {
		t.Error(err)
	}
}
