package dynalock_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// Tables that earlier versions wrote go on. Their items have no nonce, token
// or lease: they are held until they are released.

// schemas are the tables that each of these tests runs on.
var schemas = map[string]enginetest.Keys{
	"plain":        {Partition: "key"},
	"other name":   {Partition: "lock id"},
	"sort key":     {Partition: "key", Sort: "kind"},
	"others' sort": {Partition: "pk", Sort: "sk"},
}

func eachSchema(t *testing.T, test func(t *testing.T, e *engineTable)) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, keys := range schemas {
		tests[name] = func(t *testing.T) { test(t, newEngineTable(t, keys)) }
	}
	together(t, tests)
}

// legacy is an item as an earlier version wrote it, and what a user added.
func (e *engineTable) legacy(key string, change rawItem) rawItem {
	began := time.Now().AddDate(0, -2, 0)
	it := e.key(key)
	maps.Copy(it, rawItem{
		"owner": attrS("old"), "timestamp": attrN(began.Unix()), "ttl": attrN(began.Add(time.Hour).Unix()),
		"deleteOnRelease": attrBool(false), "isReleased": attrBool(false), "data": attrS("from before"),
		"cost center": attrN(42), "notes": &types.AttributeValueMemberL{Value: []types.AttributeValue{attrS("mine")}},
	})
	maps.Copy(it, change)
	e.put(it)
	return it
}

// keeps fails the test unless the user's attributes are there.
func keeps(t *testing.T, step string, it rawItem) {
	t.Helper()
	notes, ok := it["notes"].(*types.AttributeValueMemberL)
	if numberOf(it, "cost center") != 42 || !ok || len(notes.Value) != 1 {
		t.Errorf("%s lost what the user had added: %s", step, showItem(it))
	}
}

func TestEngineLegacyRespected(t *testing.T) {
	eachSchema(t, func(t *testing.T, e *engineTable) {
		c := e.client("new", e.options()...)
		for name, data := range map[string]types.AttributeValue{"S": attrS("from before"), "B": attrB("from before")} {
			was := e.legacy(name, rawItem{"data": data})
			info, err := c.GetLock(ever, name)
			if err != nil || info.Owner != "old" || info.Token != 0 || info.State != dynalock.StateHeld ||
				string(info.Data) != "from before" || !info.Expires.IsZero() || info.Since.Unix() != numberOf(was, "timestamp") {
				t.Errorf("%+v, %v", info, err)
			}
			var held *dynalock.HeldError
			if _, err := c.AcquireLock(ever, name); !errors.As(err, &held) || held.Owner != "old" || held.Lease != 0 || !held.RetryAt.IsZero() {
				t.Errorf("acquire: %v", err)
			}
			if _, err := c.AcquireLock(ever, name, dynalock.WaitFor(200*time.Millisecond)); !errors.Is(err, dynalock.ErrHeld) {
				t.Errorf("wait: %v", err)
			}
			if released, err := c.ReleaseLock(ever, name); released || !errors.Is(err, dynalock.ErrOwnerMismatch) {
				t.Errorf("release: %v, %v", released, err)
			}
			if err := c.UpdateLock(ever, name, []byte("x")); !errors.Is(err, dynalock.ErrOwnerMismatch) {
				t.Errorf("update: %v", err)
			}
			if _, err := c.ResumeLock(ever, name); !errors.Is(err, dynalock.ErrOwnerMismatch) {
				t.Errorf("resume: %v", err)
			}
			if _, err := c.ForceRelease(ever, name, 7); !errors.Is(err, dynalock.ErrHeld) {
				t.Errorf("force with a token that it has not: %v", err)
			}
			e.unchanged(name, was)
		}
	})
}

func TestEngineLegacyOwner(t *testing.T) {
	eachSchema(t, func(t *testing.T, e *engineTable) {
		old := e.client("old", e.options()...)
		was := e.legacy("update", nil)
		if err := old.UpdateLock(ever, "update", []byte("new")); err != nil {
			t.Fatal(err)
		}
		// In place: an earlier version, still in use elsewhere, sees no difference.
		was["data"] = attrB("new")
		e.unchanged("update", was)

		e.legacy("release", nil)
		if released, err := old.ReleaseLock(ever, "release"); !released || err != nil {
			t.Fatal(released, err)
		}
		if it := e.item("release"); !boolOf(it, "isReleased") || textOf(it, "data") != "from before" {
			t.Errorf("released: %s", showItem(it))
		}
		keeps(t, "release", e.item("release"))

		e.legacy("delete", rawItem{"deleteOnRelease": attrBool(true)})
		if released, err := old.ReleaseLock(ever, "delete"); !released || err != nil {
			t.Fatal(released, err)
		}
		e.unchanged("delete", nil)

		e.legacy("force", nil)
		info, err := e.client("admin", e.options()...).ForceRelease(ever, "force", 0)
		if err != nil || info.Owner != "old" || !e.free("force") {
			t.Errorf("force: %+v, %v", info, err)
		}
		keeps(t, "force", e.item("force"))
	})
}

func TestEngineLegacyGoesOn(t *testing.T) {
	eachSchema(t, func(t *testing.T, e *engineTable) {
		e.legacy("resume", nil)
		l, err := e.client("old", e.options()...).ResumeLock(ever, "resume", dynalock.WithLease(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if l.Token() == 0 || string(l.Data()) != "from before" || !l.Held() {
			t.Errorf("resumed %v with %q", l, l.Data())
		}
		if err := errors.Join(l.Renew(ever), l.Update(ever, []byte("x")), l.Release(ever)); err != nil {
			t.Error(err)
		}
		keeps(t, "resume", e.item("resume"))

		// Everything that a lock goes through, on an item that was free.
		e.legacy("life", rawItem{"isReleased": attrBool(true)})
		a, b := e.warm("a", 1, e.options()...), e.warm("b", 1, e.options()...)
		l = a.take(t, "life", dynalock.WithLease(safeLease))
		keeps(t, "acquire", e.item("life"))
		if string(l.Data()) != "from before" {
			t.Errorf("data %q", l.Data())
		}
		if err := l.Renew(ever); err != nil {
			t.Error(err)
		}
		keeps(t, "renew", e.item("life"))
		m := b.wait("life").within(t, 2*safeLease+slack)
		keeps(t, "takeover", e.item("life"))
		if m.Token() <= l.Token() {
			t.Errorf("token %d after %d", m.Token(), l.Token())
		}
		if err := m.Release(ever); err != nil {
			t.Error(err)
		}
		keeps(t, "release", e.item("life"))
	})
}

// Locks under two values of the sort key have nothing to do with each other.
func TestEngineSortValuesAreIndependent(t *testing.T) {
	t.Parallel()
	e := newEngineTable(t, enginetest.Keys{Partition: "key", Sort: "kind"})
	x := e.client("x", dynalock.WithSortKey("kind", "x"))
	y := e.client("y", dynalock.WithSortKey("kind", "y"))
	lx, err := x.AcquireLock(ever, "k", dynalock.WithData([]byte("of x")))
	if err != nil {
		t.Fatal(err)
	}
	ly, err := y.AcquireLock(ever, "k", dynalock.DeleteOnRelease())
	if err != nil || ly.Data() != nil {
		t.Fatalf("%v, %v", ly, err)
	}
	if err := ly.Release(ever); err != nil {
		t.Fatal(err)
	}
	if _, err := y.GetLock(ever, "k"); !errors.Is(err, dynalock.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := lx.Renew(ever); err != nil {
		t.Errorf("the release of y's touched x's: %v", err)
	}
	for c, want := range map[*dynalock.Client]int{x: 1, y: 0} {
		for info, err := range c.Locks(ever) {
			want--
			if err != nil || info.Owner != "x" || string(info.Data) != "of x" {
				t.Errorf("%+v, %v", info, err)
			}
		}
		if want != 0 {
			t.Errorf("%d locks too few", want)
		}
	}
}

// A table whose keys are not what the client was told shows at the first call.
func TestEngineOtherKeys(t *testing.T) {
	t.Parallel()
	together(t, map[string]func(*testing.T){
		"other partition key": func(t *testing.T) {
			wrongKeys(t, enginetest.Keys{Partition: "id"}, nil, `expected partition key "key" of type S`, `found partition key "id"`)
		},
		"sort key not told of": func(t *testing.T) {
			wrongKeys(t, enginetest.Keys{Partition: "key", Sort: "kind"}, nil, "and no sort key", `and sort key "kind" of type S`)
		},
		"sort key that is not there": func(t *testing.T) {
			wrongKeys(t, enginetest.Keys{Partition: "key"}, []dynalock.ClientOption{dynalock.WithSortKey("kind", "x")},
				`and sort key "kind" of type S`, "and no sort key")
		},
		"partition key of another type": func(t *testing.T) {
			wrongKeys(t, enginetest.Keys{Partition: "key", PartitionType: types.ScalarAttributeTypeN}, nil, "of type S", "of type N")
		},
	})
}

func wrongKeys(t *testing.T, keys enginetest.Keys, opts []dynalock.ClientOption, want ...string) {
	e := newEngineTable(t, keys)
	for name, call := range map[string]func(c *dynalock.Client) error{
		"acquire": func(c *dynalock.Client) error { _, err := c.AcquireLock(ever, "k"); return err },
		"wait":    func(c *dynalock.Client) error { _, err := c.AcquireLock(ever, "k", dynalock.Wait()); return err },
		"release": func(c *dynalock.Client) error { _, err := c.ReleaseLock(ever, "k"); return err },
		"get":     func(c *dynalock.Client) error { _, err := c.GetLock(ever, "k"); return err },
		"create":  func(c *dynalock.Client) error { return c.CreateTable(ever) },
	} {
		err := call(e.client("o", opts...))
		if !errors.Is(err, dynalock.ErrTableSchema) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", name, err, part)
			}
		}
	}
}
