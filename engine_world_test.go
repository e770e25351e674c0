package dynalock_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// The tests of the engine_*_test.go files run against a real DynamoDB engine,
// over real connections and in real time, where those of the scenario files
// have a table in memory and fake time. They show what the others cannot: that
// expressions, item format, SDK and HTTP do what the protocol believes of them.
// Their leases are as short as they may be.
const shortLease = time.Second

// safeLease is for locks that have to outlive a fault and a busy machine.
const safeLease = 4 * time.Second

// ever is for calls that nothing ends.
var ever = context.Background()

var errExpired = errors.New("the session has expired")

// slack is what a busy machine may need for something that is done at once.
const slack = 5 * time.Second

// An engineTable is a table on the engine that one test has for itself.
type engineTable struct {
	t    *testing.T
	db   *dynamodb.Client // beside the clients under test, without faults
	name string
	keys enginetest.Keys
	sort string // value of the sort key, where there is one
}

func newEngineTable(t *testing.T, keys ...enginetest.Keys) *engineTable {
	t.Helper()
	e := &engineTable{t: t, db: enginetest.Client(t)}
	e.name = enginetest.Table(t, e.db, keys...)
	e.keys = enginetest.Keys{Partition: "key"}
	if len(keys) > 0 {
		e.keys, e.sort = keys[0], "sorted"
	}
	return e
}

// options are what a client has to be told of the table.
func (e *engineTable) options() []dynalock.ClientOption {
	opts := []dynalock.ClientOption{dynalock.WithPartitionKeyName(e.keys.Partition)}
	if e.keys.Sort != "" {
		opts = append(opts, dynalock.WithSortKey(e.keys.Sort, e.sort))
	}
	return opts
}

// together runs subtests at once. They mostly wait, and t.Parallel would run
// only as many as there are processors.
func together(t *testing.T, tests map[string]func(*testing.T)) {
	var running sync.WaitGroup
	for name, test := range tests {
		running.Go(func() { t.Run(name, test) })
	}
	running.Wait()
}

// client gives a client of that owner name with connections of its own.
func (e *engineTable) client(owner string, opts ...dynalock.ClientOption) *dynalock.Client {
	e.t.Helper()
	return e.wired(owner, 1, opts...).Client
}

// A wired client is one whose network the test can break.
type wired struct {
	*dynalock.Client
	wire *wiretest.Wire
	// asked counts the requests that the library knows of, or a few more.
	asked atomic.Int32
	// credentials fail while this is set.
	expired atomic.Bool
	waits   sync.WaitGroup // of wait

	mu     sync.Mutex
	failed []error // renewals, and why
}

// wired gives a client whose SDK is told to try that often. The library knows
// of every request that is sent, whatever the SDK was told: that is checked of
// all clients of these tests.
func (e *engineTable) wired(owner string, sdkAttempts int, opts ...dynalock.ClientOption) *wired {
	e.t.Helper()
	w := &wired{wire: wiretest.New(e.t)}
	db := enginetest.NewClient(enginetest.Endpoint(e.t), &http.Client{Transport: w.wire}, func(o *dynamodb.Options) {
		o.RetryMaxAttempts = sdkAttempts
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if w.expired.Load() {
				return aws.Credentials{}, errExpired
			}
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})
	})
	w.Client = dynalock.NewDynalockClient(db, e.name, append([]dynalock.ClientOption{
		dynalock.WithLockOwnerName(owner),
		dynalock.WithPollInterval(20*time.Millisecond, 100*time.Millisecond),
		dynalock.WithObserver(func(_ context.Context, ev dynalock.Event) {
			switch {
			case ev.Kind == dynalock.EventRequest && ev.Step == "scan":
				w.asked.Add(2) // the store reads an item too where all fits in one page
			case ev.Kind == dynalock.EventRequest:
				w.asked.Add(1)
			case ev.Kind == dynalock.EventRenewFailed:
				w.mu.Lock()
				defer w.mu.Unlock()
				w.failed = append(w.failed, ev.Err)
			}
		}),
	}, opts...)...)
	e.t.Cleanup(func() {
		w.wire.Heal()
		w.expired.Store(false)
		ctx, cancel := context.WithTimeout(ever, 10*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			e.t.Errorf("close %s: %v", owner, err)
		}
		w.waits.Wait()
		// Where the test ended early, other calls may still be under way.
		// What went on behind calls is told behind it.
		if !e.t.Failed() {
			eventually(e.t, 10*time.Second, owner+" sent more requests than the library knows of: somebody repeats them", func() bool {
				return w.wire.Sent() <= int(w.asked.Load())
			})
		}
	})
	return w
}

// warm is wired for a client that has heard the store's time before its first
// acquire, and with an empty log.
func (e *engineTable) warm(owner string, sdkAttempts int, opts ...dynalock.ClientOption) *wired {
	e.t.Helper()
	w := e.wired(owner, sdkAttempts, opts...)
	if _, err := w.GetLock(ever, "no such key"); !errors.Is(err, dynalock.ErrNotFound) {
		e.t.Fatal(err)
	}
	w.wire.Forget()
	return w
}

// failures are the errors of the renewals that failed.
func (w *wired) failures() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.failed)
}

// take acquires, and fails the test if it cannot.
func (w *wired) take(t *testing.T, key string, opts ...dynalock.AcquireOption) *dynalock.Lock {
	t.Helper()
	l, err := w.AcquireLock(ever, key, opts...)
	if err != nil {
		t.Fatalf("acquire %q: %v", key, err)
	}
	return l
}

// inLine is an acquire under way.
type inLine struct {
	got  chan struct{} // closed when it ended
	lock *dynalock.Lock
	err  error
	at   time.Time
}

// within fails the test unless the acquire ends with a lock in that time.
func (n *inLine) within(t *testing.T, d time.Duration) *dynalock.Lock {
	t.Helper()
	closes(t, n.got, d, "the waiter gets the lock")
	if n.err != nil {
		t.Fatal(n.err)
	}
	return n.lock
}

func (n *inLine) over() bool {
	select {
	case <-n.got:
		return true
	default:
		return false
	}
}

// wait begins to acquire.
func (w *wired) wait(key string, opts ...dynalock.AcquireOption) *inLine {
	next := &inLine{got: make(chan struct{})}
	w.waits.Go(func() {
		defer close(next.got)
		next.lock, next.err = w.AcquireLock(ever, key, append(opts, dynalock.Wait())...)
		next.at = time.Now()
	})
	return next
}

// shortLive is a lock with the shortest lease, that its client renews.
func shortLive() []dynalock.AcquireOption {
	return []dynalock.AcquireOption{dynalock.WithLease(shortLease), dynalock.KeepAlive()}
}

// safeLive is one that is not to be lost.
func safeLive() []dynalock.AcquireOption {
	return []dynalock.AcquireOption{dynalock.WithLease(safeLease), dynalock.KeepAlive()}
}

// eventually fails the test unless ok is true within d.
func eventually(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
		time.Sleep(5 * time.Millisecond) // real time: the engine's and the network's
	}
}

// closes fails the test unless ch is closed within d.
func closes(t *testing.T, ch <-chan struct{}, d time.Duration, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(d):
		t.Fatalf("not within %v: %s", d, what)
	}
}
