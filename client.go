package dynalock

import (
	"context"
	"encoding/binary"
	"reflect"
	"sync"
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
// answers every call with an error.
type Client struct {
	set      settings
	store    lockstore.Store
	setupErr error
	clock    storeClock
	random   func([]byte)

	mu     sync.Mutex
	keys   map[string]*keyState
	swept  protocol.Moment // when keys were last looked through
	locks  map[*Lock]struct{}
	closed bool

	alarms  alarms
	renewal chan struct{} // bounds the renewals under way

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
	c.background, c.stop = context.WithCancel(context.Background())
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
	return ended(ctx, nil)
}

// keyState is what a client remembers of a key from one call to the next.
type keyState struct {
	seen    protocol.Observation
	token   int64           // the highest seen
	tokenOf lockstore.Nonce // the tenure that it was seen with
	used    protocol.Moment
	handle  *Lock // the last handle, if it has not ended
	orphans map[lockstore.Nonce]struct{}
}

const (
	// keyIdle is how long a key nobody asks for is remembered: as long as
	// tokens of one client could otherwise go back by a wrong clock.
	keyIdle = 10 * time.Minute
	// keysKept is how many keys are remembered without looking for idle ones.
	keysKept = 1024
)

// key gives the state of a key, with c.mu held.
func (c *Client) key(key string, now protocol.Moment) *keyState {
	k := c.keys[key]
	if k == nil {
		c.forgetIdle(now)
		k = &keyState{}
		c.keys[key] = k
	}
	k.used = now
	return k
}

// forgetIdle looks through the keys at most once a minute.
func (c *Client) forgetIdle(now protocol.Moment) {
	if len(c.keys) < keysKept || now.Mono-c.swept.Mono < time.Minute {
		return
	}
	c.swept = now
	for name, k := range c.keys {
		if k.handle == nil && len(k.orphans) == 0 && now.Mono-k.used.Mono > keyIdle {
			delete(c.keys, name)
		}
	}
}

// see takes a record of a key into account that had arrived at now. stale: it
// has a lower token than one seen before, so it shows the past.
func (c *Client) see(key string, r *lockstore.Record, now protocol.Moment) (seen protocol.Observation, stale bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(key, now)
	if r != nil && r.Token != 0 && r.Token < k.token {
		return k.seen, true
	}
	if r != nil && r.Token > k.token {
		k.token, k.tokenOf = r.Token, r.Nonce
	}
	k.seen.See(r, now)
	return k.seen, false
}

// tokenTaken reports whether the token of a tenure that just began was seen
// with another one, or a higher one was: then it must be raised above last.
// That takes an item that was deleted, and clocks that differ.
func (c *Client) tokenTaken(key string, r *lockstore.Record, now protocol.Moment) (last int64, taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(key, now)
	switch {
	case r.Token > k.token:
		k.token, k.tokenOf = r.Token, r.Nonce
		return 0, false
	case r.Token == k.token && k.tokenOf == r.Nonce:
		return 0, false
	}
	// Taken here, so that two tenures are not raised to the same one.
	last = k.token
	k.token, k.tokenOf = last+1, r.Nonce
	return last, true
}

// lastToken is the highest token seen under that key.
func (c *Client) lastToken(key string, now protocol.Moment) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key(key, now).token
}

func (c *Client) handleOf(key string) *Lock {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[key]; k != nil {
		return k.handle
	}
	return nil
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
	c.mu.Lock()
	if c.background.Err() != nil {
		c.mu.Unlock()
		return false
	}
	c.working++
	c.mu.Unlock()
	go func() {
		defer c.workDone()
		f(c.background)
	}()
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
