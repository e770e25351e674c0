package dynalock

import (
	"context"
	"encoding/binary"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// DynamoDBAPI is what a client needs of the SDK at run time; *dynamodb.Client
// has it. CreateTable needs a little more, which it finds by type assertion
// (dynamostore.TableAPI).
type DynamoDBAPI = dynamostore.API

// A Client takes locks under one owner name. It is safe for concurrent use;
// one for each process and table is what it is meant for. Its zero value
// answers every call with an error; only Close has nothing to do then.
type Client struct {
	set      settings
	store    lockstore.Store
	setupErr error
	clock    storeClock
	random   func([]byte)
	polls    bool        // waiters do not queue: see internal/hook
	timeless atomic.Bool // the store was asked for its time, and did not tell it

	mu     sync.Mutex
	keys   map[string]*keyState
	swept  protocol.Moment // when keys were last looked through
	locks  map[*Lock]struct{}
	closed bool
	news   []func() // what later tells; the first is being told

	alarms   alarms
	sessions sessions
	renewal  chan struct{} // bounds the renewals under way

	closing    <-chan struct{} // closed when Close begins; serving's Done
	serving    context.Context // of the calls of users; ends when Close begins
	unserve    context.CancelFunc
	background context.Context    // of what goes on behind calls; ends when Close does
	stop       context.CancelFunc // of background
	working    int                // goroutines of spawn, under mu
	idle       chan struct{}      // closed when the last of them ends after Close began
}

// NewDynalockClient gives a client for locks in that table. It sends nothing;
// a wrong setting is an error of the first call.
func NewDynalockClient(db DynamoDBAPI, table string, opts ...ClientOption) *Client {
	set, err := newSettings(opts)
	if err != nil {
		return broken(set, err)
	}
	store, err := dynamostore.New(db, table, dynamostore.Config{
		PartitionKey: set.partitionKey, SortKey: set.sortKey, SortValue: set.sortValue,
		ReportCapacity: len(set.observers) > 0,
	})
	if err != nil {
		return broken(set, invalidOption("%v", err))
	}
	return newClient(store, set)
}

// New gives a client for locks in any store. The settings of a DynamoDB table
// (WithPartitionKeyName, WithSortKey) belong to the store then.
func New(s lockstore.Store, opts ...ClientOption) *Client {
	set, err := newSettings(opts)
	switch {
	case err != nil:
		return broken(set, err)
	case isNil(s):
		return broken(set, invalidOption("the store is nil"))
	case set.tableKeys:
		return broken(set, invalidOption("WithPartitionKeyName and WithSortKey are for NewDynalockClient; give them to the store"))
	}
	return newClient(s, set)
}

func newClient(s lockstore.Store, set settings) *Client {
	c := &Client{
		set:     set,
		store:   s,
		random:  cryptoRandom,
		keys:    map[string]*keyState{},
		locks:   map[*Lock]struct{}{},
		renewal: make(chan struct{}, maxRenewals),
		idle:    make(chan struct{}),
	}
	c.clock.read = localClock()
	if h, ok := s.(*hook.Store); ok {
		c.store = h.Store
		if h.Now != nil {
			c.clock.read = h.Now
		}
		c.polls = h.Polls
		if h.Random != nil {
			c.random = h.Random
		}
	}
	margin := c.store.Info().ClockMargin
	if set.margin >= 0 {
		margin = set.margin
	}
	c.clock.bounds = protocol.NewBounds(margin)
	c.alarms.look = c.lookAt
	c.alarms.now = c.clock.now
	c.serving, c.unserve = context.WithCancel(context.Background())
	c.closing = c.serving.Done()
	c.background, c.stop = context.WithCancel(context.WithValue(context.Background(), behindKey{}, true))
	return c
}

// broken gives a client that answers every call with err.
func broken(set settings, err error) *Client { return &Client{set: set, setupErr: err} }

// isNil sees through an interface that holds a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Interface:
		return r.IsNil()
	}
	return false
}

// ready says why a call cannot be made at all.
func (c *Client) ready(ctx context.Context) error {
	switch {
	case c == nil:
		return invalidOption("the Client is nil; make one with NewDynalockClient or New")
	case c.setupErr != nil:
		return c.setupErr
	case c.store == nil:
		return invalidOption("a zero Client; make one with NewDynalockClient or New")
	case ctx == nil:
		return invalidOption("the context is nil")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return nil
}

// readyFor is ready for a call about that key.
func (c *Client) readyFor(ctx context.Context, key string) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if c.reserved(key) {
		return &keyError{errReserved}
	}
	return ended(ctx, nil)
}

func (c *Client) newNonce() lockstore.Nonce {
	var b [16]byte
	c.random(b[:])
	return lockstore.Nonce(b[:])
}

// jitter gives a duration between the two.
func (c *Client) jitter(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	var b [8]byte
	c.random(b[:])
	return least + time.Duration(binary.LittleEndian.Uint64(b[:])%uint64(most-least))
}

// spawn runs f in the background, unless the client is closed. f ends when
// its context does.
func (c *Client) spawn(f func(context.Context)) bool {
	if !c.enter() {
		return false
	}
	go func() {
		defer c.workDone()
		f(c.background)
	}()
	return true
}

// enter counts work that Close waits for, unless that has ended.
func (c *Client) enter() bool {
	c.mu.Lock()
	if c.background.Err() != nil {
		c.mu.Unlock()
		return false
	}
	c.working++
	c.mu.Unlock()
	return true
}

func (c *Client) workDone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working--
	if c.closed && c.working == 0 {
		closeOnce(c.idle)
	}
}

// closeOnce needs the mutex that guards the channel.
func closeOnce(ch chan struct{}) {
	if !closed(ch) {
		close(ch)
	}
}
