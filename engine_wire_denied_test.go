package dynalock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// D4: what is not allowed fails at once and is named; what needs no more than
// reading and updating goes on without the rest.
func TestEngineD4(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){
		"GetItem and UpdateItem are enough": testLeastPrivilege,
		"no credentials":                    testNoCredentials,
	}
	for name, tt := range denials {
		eachSDK(tests, name, func(t *testing.T, sdk int) {
			e := newEngineTable(t)
			a := e.warm("a", sdk)
			rule := a.wire.On(0, wiretest.Deny, tt.action)
			ctx, cancel := context.WithTimeout(ever, 10*time.Second)
			defer cancel()
			began := time.Now()
			err := tt.call(ctx, e, a)
			if took := time.Since(began); took > time.Second+slack {
				t.Errorf("took %v", took)
			}
			if !errors.Is(err, dynalock.ErrAccessDenied) || !strings.Contains(err.Error(), "dynamodb:"+tt.action) {
				t.Errorf("%v", err)
			}
			if rule.Met() != 1 {
				t.Errorf("%d requests for what is denied", rule.Met())
			}
			if name == "acquire" {
				e.unchanged("k", nil)
			}
		})
	}
	together(t, tests)
}

// denials are calls and the action that each of them cannot do without.
var denials = map[string]struct {
	action string
	call   func(context.Context, *engineTable, *wired) error
}{
	"acquire": {"UpdateItem", func(ctx context.Context, _ *engineTable, a *wired) error {
		_, err := a.AcquireLock(ctx, "k")
		return err
	}},
	"wait": {"GetItem", func(ctx context.Context, e *engineTable, a *wired) error {
		e.warm("b", 1).take(e.t, "k")
		_, err := a.AcquireLock(ctx, "k", dynalock.Wait())
		return err
	}},
	"release": {"UpdateItem", func(ctx context.Context, e *engineTable, a *wired) error {
		return takeBefore(a, e.t).Release(ctx)
	}},
	"deleting release": {"DeleteItem", func(ctx context.Context, e *engineTable, a *wired) error {
		return takeBefore(a, e.t, dynalock.DeleteOnRelease()).Release(ctx)
	}},
	"release by key": {"GetItem", func(ctx context.Context, _ *engineTable, a *wired) error {
		_, err := a.ReleaseLock(ctx, "k")
		return err
	}},
	"look": {"GetItem", func(ctx context.Context, _ *engineTable, a *wired) error {
		_, err := a.GetLock(ctx, "k")
		return err
	}},
	"list": {"Scan", func(ctx context.Context, _ *engineTable, a *wired) error {
		for _, err := range a.Locks(ctx) {
			return err
		}
		return nil
	}},
	"create table": {"CreateTable", func(ctx context.Context, e *engineTable, a *wired) error {
		_, err := e.db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &e.name})
		return errors.Join(err, a.CreateTable(ctx))
	}},
	"look at table": {"DescribeTable", func(ctx context.Context, _ *engineTable, a *wired) error {
		return a.CreateTable(ctx)
	}},
	"look at item expiry": {"DescribeTimeToLive", func(ctx context.Context, _ *engineTable, a *wired) error {
		return a.CreateTable(ctx)
	}},
	"switch item expiry on": {"UpdateTimeToLive", func(ctx context.Context, _ *engineTable, a *wired) error {
		return a.CreateTable(ctx)
	}},
}

// takeBefore acquires past the rules of the wire, whose denials are for what
// comes then.
func takeBefore(w *wired, t *testing.T, opts ...dynalock.AcquireOption) *dynalock.Lock {
	t.Helper()
	allowed := w.wire.Suspend()
	defer allowed()
	return w.take(t, "k", opts...)
}

func testLeastPrivilege(t *testing.T) {
	e := newEngineTable(t)
	var clients []*wired
	for _, owner := range []string{"a", "b", "c"} {
		w := e.warm(owner, 4)
		for _, action := range []string{"PutItem", "DeleteItem", "Scan", "Query", "DescribeTable", "TransactWriteItems"} {
			w.wire.On(0, wiretest.Deny, action)
		}
		clients = append(clients, w)
	}
	a, b, c := clients[0], clients[1], clients[2]
	l := a.take(t, "k", append(safeLive(), dynalock.WithData([]byte("x")))...)
	next := b.wait("k", dynalock.WithLease(shortLease))
	time.Sleep(safeLease) // real time: renewals
	if !l.Held() || next.over() {
		t.Fatalf("%v; %v, %v", l, next.lock, next.err)
	}
	if err := l.Update(ever, []byte("y")); err != nil {
		t.Error(err)
	}
	if err := l.Release(ever); err != nil {
		t.Error(err)
	}
	if m := next.within(t, slack); string(m.Data()) != "y" {
		t.Errorf("data %q", m.Data())
	}
	c.wait("k").within(t, 2*shortLease+slack) // a takeover
	if err := c.UpdateLock(ever, "k", []byte("z")); err != nil {
		t.Error(err)
	}
	if _, err := c.ResumeLock(ever, "k"); err != nil {
		t.Error(err)
	}
	if released, err := c.ReleaseLock(ever, "k"); !released || err != nil {
		t.Error(released, err)
	}
}

// Credentials that cannot be had, or have expired: at once, and nothing is
// sent for nothing.
func testNoCredentials(t *testing.T) {
	e := newEngineTable(t)
	a := e.warm("a", 4)
	a.expired.Store(true)
	ctx, cancel := context.WithTimeout(ever, 10*time.Second)
	defer cancel()
	began := time.Now()
	if _, err := a.AcquireLock(ctx, "k", dynalock.Wait()); !errors.Is(err, dynalock.ErrAccessDenied) {
		t.Errorf("%v", err)
	}
	if a.wire.Count() != 0 {
		t.Errorf("sent %q", a.wire.Steps())
	}
	a.expired.Store(false)
	a.wire.On(0, wiretest.Expired)
	_, err := a.AcquireLock(ctx, "k", dynalock.Wait())
	if !errors.Is(err, dynalock.ErrAccessDenied) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > time.Second+slack || a.wire.Count() != 1 {
		t.Errorf("took %v, %q", took, a.wire.Steps())
	}
	e.unchanged("k", nil)
}
