package dynalock_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
)

// A7: no lease can stop a process that was paused from going on. What stops it
// is a check where it writes: in its transaction, or on the item it changes.

// guarded writes value into the user's item in a transaction under that guard.
func (e *engineTable) guarded(guard types.TransactWriteItem, value string) error {
	_, err := e.db.TransactWriteItems(ever, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{guard, {Update: &types.Update{
			TableName: &e.name, Key: e.key("users"), UpdateExpression: ptr("SET v = :v"),
			ExpressionAttributeValues: rawItem{":v": attrS(value)},
		}}},
	})
	return err
}

func ptr[T any](v T) *T { return &v }

func TestEngineTransactGuard(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, ends := range map[string]func(*testing.T, *engineTable, *dynalock.Lock) error{
		"released": func(_ *testing.T, _ *engineTable, l *dynalock.Lock) error { return l.Release(ever) },
		"kept to others by HoldAtLeast": func(t *testing.T, e *engineTable, l *dynalock.Lock) error {
			m := e.warm("a", 1).take(t, "k2", dynalock.HoldAtLeast(time.Minute))
			guard, err := m.TransactGuard()
			if err != nil {
				return err
			}
			if err := errors.Join(e.guarded(guard, "held"), m.Release(ever)); err != nil {
				return err
			}
			refused(t, e, guard)
			return l.Release(ever)
		},
		"taken over": func(t *testing.T, e *engineTable, _ *dynalock.Lock) error {
			e.warm("b", 1).wait("k").within(t, 2*safeLease+slack)
			return nil
		},
		"resumed elsewhere": func(_ *testing.T, e *engineTable, _ *dynalock.Lock) error {
			_, err := e.client("a").ResumeLock(ever, "k")
			return err
		},
		"forced": func(_ *testing.T, e *engineTable, l *dynalock.Lock) error {
			_, err := e.client("b").ForceRelease(ever, "k", l.Token())
			return err
		},
		"removed": func(_ *testing.T, e *engineTable, _ *dynalock.Lock) error { e.remove("k"); return nil },
	} {
		tests[name] = func(t *testing.T) {
			e := newEngineTable(t)
			lease := time.Minute
			if name == "taken over" {
				lease = safeLease
			}
			l := e.warm("a", 1).take(t, "k", dynalock.WithLease(lease))
			guard, err := l.TransactGuard()
			if err != nil {
				t.Fatal(err)
			}
			if err := e.guarded(guard, "good"); err != nil {
				t.Fatalf("a live holder's transaction: %v", err)
			}
			if v := textOf(e.item("users"), "v"); v != "good" {
				t.Fatalf("it wrote %q", v)
			}
			if err := ends(t, e, l); err != nil {
				t.Fatal(err)
			}
			refused(t, e, guard)
		}
	}
	tests["after the end, locally"] = func(t *testing.T) {
		e := newEngineTable(t)
		a := e.warm("a", 1)
		l := a.take(t, "k")
		if err := l.Release(ever); err != nil {
			t.Fatal(err)
		}
		sent := a.wire.Sent()
		if _, err := l.TransactGuard(); !errors.Is(err, dynalock.ErrReleased) || a.wire.Sent() != sent {
			t.Errorf("%v", err)
		}
		l = a.take(t, "k", dynalock.WithLease(shortLease))
		closes(t, l.Done(), 2*slack, "the lease ends")
		if _, err := l.TransactGuard(); !errors.Is(err, dynalock.ErrLost) {
			t.Errorf("%v", err)
		}
	}
	together(t, tests)
}

// refused fails the test unless the engine cancels a transaction under guard
// because of it, and changes nothing.
func refused(t *testing.T, e *engineTable, guard types.TransactWriteItem) {
	t.Helper()
	was := e.item("users")
	err := e.guarded(guard, "stale")
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 ||
		*cancelled.CancellationReasons[0].Code != "ConditionalCheckFailed" {
		t.Errorf("a stale holder's transaction: %v", err)
	}
	e.unchanged("users", was)
}

// write changes the user's item as the documentation of Fence says: joined to
// a condition of one's own.
func (e *engineTable) write(f dynalock.Fence, value string) error {
	names := map[string]string{"#open": "open"}
	maps.Copy(names, f.Names)
	values := rawItem{":value": attrS(value), ":true": attrBool(true)}
	maps.Copy(values, f.Values)
	_, err := e.db.UpdateItem(ever, &dynamodb.UpdateItemInput{
		TableName:                 &e.name,
		Key:                       e.key("users"),
		ConditionExpression:       ptr("#open = :true AND " + f.Condition),
		UpdateExpression:          ptr("SET v = :value, " + f.Set),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	return err
}

func TestEngineFenceCondition(t *testing.T) {
	t.Parallel()
	e := newEngineTable(t)
	users := e.key("users")
	users["open"] = attrBool(true)
	e.put(users)
	const attr = "fenced by" // a name that an expression cannot have in it
	first := e.warm("a", 1).take(t, "k", dynalock.WithLease(shortLease))
	stale := first.FenceCondition(attr)
	if err := e.write(stale, "first"); err != nil {
		t.Fatalf("an item that no holder wrote yet: %v", err)
	}
	if err := e.write(stale, "again"); err != nil {
		t.Errorf("the same token: %v", err)
	}
	second := e.warm("b", 1).wait("k").within(t, 2*shortLease+slack)
	if err := e.write(stale, "before the second"); err != nil {
		t.Errorf("nothing higher was written yet: %v", err)
	}
	if err := e.write(second.FenceCondition(attr), "second"); err != nil {
		t.Errorf("a higher token: %v", err)
	}
	was := e.item("users")
	if textOf(was, "v") != "second" || numberOf(was, attr) != int64(second.Token()) {
		t.Errorf("the item is %s", showItem(was))
	}
	var failed *types.ConditionalCheckFailedException
	if err := e.write(stale, "stale"); !errors.As(err, &failed) {
		t.Errorf("a lower token: %v", err)
	}
	e.unchanged("users", was)

	// One's own condition still counts.
	shut := maps.Clone(was)
	shut["open"] = attrBool(false)
	e.put(shut)
	if err := e.write(second.FenceCondition(attr), "shut"); !errors.As(err, &failed) {
		t.Errorf("one's own condition: %v", err)
	}
	e.unchanged("users", shut)
}
