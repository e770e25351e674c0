package dynalock_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A call is one of the client's, on some key.
type call struct {
	name string
	do   func(c *dynalock.Client, ctx context.Context, key string) error
}

// calls are all that a client has, Close aside.
var calls = []call{
	{"AcquireLock", func(c *dynalock.Client, ctx context.Context, key string) error {
		l, err := c.AcquireLock(ctx, key)
		return oneOf(l == nil, err)
	}},
	{"AcquireLock, waiting", func(c *dynalock.Client, ctx context.Context, key string) error {
		l, err := c.AcquireLock(ctx, key, dynalock.Wait())
		return oneOf(l == nil, err)
	}},
	{"ReleaseLock", func(c *dynalock.Client, ctx context.Context, key string) error {
		ok, err := c.ReleaseLock(ctx, key)
		return oneOf(!ok, err)
	}},
	{"UpdateLock", func(c *dynalock.Client, ctx context.Context, key string) error {
		return c.UpdateLock(ctx, key, []byte("data"))
	}},
	{"ResumeLock", func(c *dynalock.Client, ctx context.Context, key string) error {
		l, err := c.ResumeLock(ctx, key)
		return oneOf(l == nil, err)
	}},
	{"GetLock", func(c *dynalock.Client, ctx context.Context, key string) error {
		info, err := c.GetLock(ctx, key)
		return oneOf(info == nil, err)
	}},
	{"ForceRelease", func(c *dynalock.Client, ctx context.Context, key string) error {
		info, err := c.ForceRelease(ctx, key, 1)
		return oneOf(info == nil, err)
	}},
	{"Do", func(c *dynalock.Client, ctx context.Context, key string) error {
		return c.Do(ctx, key, func(context.Context, *dynalock.Lock) error { return nil })
	}},
	{"AttachLock", func(c *dynalock.Client, ctx context.Context, _ string) error {
		l, err := c.AttachLock(ctx, "dynalock1.")
		return oneOf(l == nil, err)
	}},
	{"Locks", func(c *dynalock.Client, ctx context.Context, _ string) (err error) {
		for _, err = range c.Locks(ctx) {
		}
		return err
	}},
	{"CreateTable", func(c *dynalock.Client, ctx context.Context, _ string) error {
		return c.CreateTable(ctx)
	}},
}

// keyed are those that take a key.
var keyed = calls[:8]

var errBoth = errors.New("both a result and an error, or neither")

// oneOf makes sure that a call gives either a result or an error.
func oneOf(empty bool, err error) error {
	if empty != (err != nil) {
		return errors.Join(errBoth, err)
	}
	return err
}

type nilStore struct{ lockstore.Store }

// wrongSettings are clients that cannot work, with what the error must name.
func wrongSettings() map[string]*dynalock.Client {
	s := memstore.New()
	with := func(opts ...dynalock.ClientOption) *dynalock.Client { return dynalock.New(s, opts...) }
	db := dynamodb.New(dynamodb.Options{})
	long := strings.Repeat("x", 2049)
	return map[string]*dynalock.Client{
		"Client is nil":             nil,
		"zero Client":               new(dynalock.Client),
		"DynamoDB client is nil":    dynalock.NewDynalockClient(nil, "locks"),
		"DynamoDB client is nil ":   dynalock.NewDynalockClient((*dynamodb.Client)(nil), "locks"),
		"table name is empty":       dynalock.NewDynalockClient(db, ""),
		"the store is nil":          dynalock.New(nil),
		"the store is nil ":         dynalock.New((*nilStore)(nil)),
		"WithPartitionKeyName":      dynalock.NewDynalockClient(db, "locks", dynalock.WithPartitionKeyName("")),
		"\"owner\"":                 dynalock.NewDynalockClient(db, "locks", dynalock.WithPartitionKeyName("owner")),
		"\"nonce\"":                 dynalock.NewDynalockClient(db, "locks", dynalock.WithSortKey("nonce", "v")),
		"WithSortKey: the name":     dynalock.NewDynalockClient(db, "locks", dynalock.WithSortKey("", "v")),
		"WithSortKey: the value":    dynalock.NewDynalockClient(db, "locks", dynalock.WithSortKey("sort", "")),
		"partition key name too":    dynalock.NewDynalockClient(db, "locks", dynalock.WithSortKey("key", "v")),
		"give them to the store":    with(dynalock.WithPartitionKeyName("pk")),
		"WithLockOwnerName: ":       with(dynalock.WithLockOwnerName("")),
		"WithLockOwnerName:":        with(dynalock.WithLockOwnerName(long)),
		"WithLockOwnerName":         with(dynalock.WithLockOwnerName("\xff")),
		"reserved":                  with(dynalock.WithLockOwnerName("dynalock:x")),
		"nil ClientOption":          with(nil),
		"nil AcquireOption":         with(dynalock.WithDefaults(nil)),
		"WithLease and":             with(dynalock.WithDefaults(dynalock.WithLease(time.Hour), dynalock.WithoutLease())),
		"WithLogger":                with(dynalock.WithLogger((*slog.Logger)(nil))),
		"WithObserver":              with(dynalock.WithObserver(nil)),
		"WithDataEncryption":        with(dynalock.WithDataEncryption(nil)),
		"WithDataEncryption ":       with(dynalock.WithDataEncryption((*leakyAEAD)(nil))),
		"WithEncryptionContext":     with(dynalock.WithEncryptionContext("")),
		"WithRetention(-1ns)":       with(dynalock.WithRetention(-1)),
		"WithClockMargin(-1ns)":     with(dynalock.WithClockMargin(-1)),
		"WithPollInterval(0s, 1s)":  with(dynalock.WithPollInterval(0, time.Second)),
		"WithPollInterval(2s, 1s)":  with(dynalock.WithPollInterval(2*time.Second, time.Second)),
		"WithPollInterval(-1s, 1s)": with(dynalock.WithPollInterval(-time.Second, time.Second)),
		"WithSessionKeyPrefix":      with(dynalock.WithSessionKeyPrefix("\xff")),
	}
}

// A wrong setting panics nowhere. The first call, whichever it is, answers
// with an error that names it.
func TestWrongSettings(t *testing.T) {
	for name, c := range wrongSettings() {
		for _, call := range calls {
			err := call.do(c, bg, "k")
			matchesOnly(t, name+": "+call.name, err, dynalock.ErrInvalidOption)
			if err != nil && !strings.Contains(err.Error(), strings.TrimSpace(name)) {
				t.Errorf("%s: the error does not name the setting: %v", name, err)
			}
		}
		if err := c.Close(bg); err != nil && !errors.Is(err, dynalock.ErrInvalidOption) {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
}

func TestWrongTableOptionsAndListOptions(t *testing.T) {
	c := dynalock.New(memstore.New())
	matchesOnly(t, "CreateTable", c.CreateTable(bg, nil), dynalock.ErrInvalidOption)
	for _, err := range c.Locks(bg, nil) {
		matchesOnly(t, "Locks", err, dynalock.ErrInvalidOption)
	}
	must(t, c.CreateTable(bg)) // a store without tables has nothing to do
	must(t, c.Close(bg))
}

// A nil context is a mistake like any other, also for the handle.
func TestNilContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		a.net.Reset()
		for _, call := range calls {
			matchesOnly(t, call.name, call.do(a.Client, noContext, "k"), dynalock.ErrInvalidOption)
		}
		for name, err := range map[string]error{
			"Renew": l.Renew(noContext), "Extend": l.Extend(noContext, time.Hour),
			"Update": l.Update(noContext, nil), "Release": l.Release(noContext), "Close": a.Close(noContext),
		} {
			matchesOnly(t, name, err, dynalock.ErrInvalidOption)
		}
		if ctx, cancel := l.Context(noContext); ctx.Err() != nil {
			t.Error("Context(nil) gave one that has ended")
		} else {
			cancel()
		}
		if n := a.net.Requests().Total(); n != 0 || !l.Held() {
			t.Errorf("%d requests, %v", n, l.Err())
		}
	})
}

func TestInvalidKeys(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for name, key := range map[string]string{
			"empty": "", "2049 bytes": strings.Repeat("x", 2049), "not UTF-8": "a\xffb",
			"half a rune": "\xc3", "reserved": "dynalock:session/1", "reserved alone": "dynalock:",
		} {
			for _, call := range keyed {
				matchesOnly(t, name+": "+call.name, call.do(a.Client, bg, key), dynalock.ErrInvalidKey)
			}
		}
		if n := a.net.Requests().Total(); n != 0 {
			t.Errorf("%d requests were sent", n)
		}
	})
}

// Keys are opaque: nothing about a valid one has a meaning.
func TestValidKeys(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for _, key := range []string{
			strings.Repeat("x", 2048), strings.Repeat("é", 1024), "dynalock", "Dynalock:x", " ", "\x00", "a/b#c:d", "{\"json\":1}", "\uFFFD",
		} {
			l := a.take(key, dynalock.WithData([]byte(key)))
			if ok, err := a.ReleaseLock(bg, l.Key()); !ok || err != nil || l.Key() != key {
				t.Errorf("%.20q: %v %v", key, ok, err)
			}
			if r := w.row(key); r == nil || !r.Released || string(r.Data) != key {
				t.Errorf("%.20q: %+v", key, r)
			}
		}
	})
}

// The longest names that are allowed work.
func TestLongOwnerName(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		name := strings.Repeat("é", 1024)
		if l := w.machine(name).take("k"); l.Owner() != name {
			t.Errorf("%.20q", l.Owner())
		}
	})
}

// Without a name each client has one of its own.
func TestRandomOwnerName(t *testing.T) {
	s := memstore.New()
	owners := map[string]bool{}
	for range 10 {
		c := dynalock.New(s)
		l, err := c.AcquireLock(bg, "k")
		must(t, err)
		owners[l.Owner()] = true
		must(t, l.Release(bg))
		must(t, c.Close(bg))
	}
	if len(owners) != 10 || owners[""] {
		t.Errorf("%d names of 10 clients", len(owners))
	}
}
