package lockstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// What storetest covers for all stores is not repeated here: memstore runs it
// on Holds and Apply themselves. Here is what writes cannot build.

func queued(ids ...lockstore.Nonce) *lockstore.Record {
	r := &lockstore.Record{Owner: "o", Nonce: "n", Queue: []lockstore.Waiter{}}
	for _, id := range ids {
		r.Queue = append(r.Queue, lockstore.Waiter{ID: id, Owner: "w"})
	}
	return r
}

func TestHoldsOnQueues(t *testing.T) {
	for _, tt := range []struct {
		test lockstore.Test
		r    *lockstore.Record
		want bool
	}{
		{lockstore.NoWaiterAt(0), nil, true},
		{lockstore.NoWaiterAt(0), queued(), true},
		{lockstore.NoWaiterAt(0), queued("a"), false},
		{lockstore.NoWaiterAt(1), queued("a"), true},
		{lockstore.NoWaiterAt(1), queued("a", "b", "c"), false},
		{lockstore.WaiterAt{Place: 0, ID: "a"}, nil, false},
		{lockstore.WaiterAt{Place: 0, ID: "a"}, queued(), false},
		{lockstore.WaiterAt{Place: 0, ID: "a"}, queued("a", "b"), true},
		{lockstore.WaiterAt{Place: 0, ID: "b"}, queued("a", "b"), false},
		{lockstore.WaiterAt{Place: 1, ID: "b"}, queued("a", "b"), true},
		{lockstore.WaiterAt{Place: 2, ID: "b"}, queued("a", "b"), false},
		{lockstore.QueueSound{}, queued("a"), true},
	} {
		if got, err := lockstore.All(tt.test).Holds(tt.r); got != tt.want || err != nil {
			t.Errorf("%T%+v on %+v: got %v, %v", tt.test, tt.test, tt.r, got, err)
		}
	}
}

// An absent nonce or token is not one that a test could name.
func TestHoldsOnAbsentValues(t *testing.T) {
	r := &lockstore.Record{Owner: "o"}
	for _, test := range []lockstore.Test{lockstore.NonceIs(""), lockstore.TokenIs(0)} {
		if got, err := lockstore.All(test).Holds(r); got || err != nil {
			t.Errorf("%T: got %v, %v", test, got, err)
		}
	}
}

type (
	foreignTest   struct{ lockstore.Test }
	foreignChange struct{ lockstore.Change }
)

func TestForeign(t *testing.T) {
	for _, test := range []lockstore.Test{foreignTest{}, nil} {
		if ok, err := lockstore.All(test).Holds(queued()); ok || err == nil {
			t.Errorf("%T: got %v, %v", test, ok, err)
		}
	}
	for _, change := range []lockstore.Change{foreignChange{}, nil} {
		r := queued()
		if n, err := (lockstore.Write{Do: []lockstore.Change{lockstore.SetSeq(7), change}}).Apply(r); n != nil || err == nil || r.Seq != 0 {
			t.Errorf("%T: got %+v, %v", change, n, err)
		}
	}
}

// Apply leaves its argument alone and shares nothing with it, nor with the
// write.
func TestApplyDoesNotAlias(t *testing.T) {
	data := []byte("data")
	last := lockstore.Last{Nonce: "x", How: lockstore.HowForced}
	r := filled(t)
	before := r.Clone()
	n, err := lockstore.Write{Do: []lockstore.Change{
		lockstore.SetOwner("p"), lockstore.NextSeq{}, lockstore.SetData{Bytes: data}, lockstore.SetLast(last), lockstore.KeepQueue{},
	}}.Apply(r)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	clear(n.Queue)
	if string(n.Data) != "data" || !reflect.DeepEqual(r, before) {
		t.Errorf("%+v, %+v", n, r)
	}
	if n, err := (lockstore.Write{Delete: true}).Apply(r); n != nil || err != nil {
		t.Error(n, err)
	}
}

// filled sets every field of a record, so that a field that is added and
// forgotten in Clone shows.
func filled(t *testing.T) *lockstore.Record {
	r := &lockstore.Record{}
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Interface().(type) {
		case string, lockstore.Nonce:
			f.SetString("x")
		case int64, time.Duration:
			f.SetInt(7)
		case bool:
			f.SetBool(true)
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(7, 0).UTC()))
		case []byte:
			f.SetBytes([]byte("data"))
		case []lockstore.Waiter:
			f.Set(reflect.ValueOf([]lockstore.Waiter{{ID: "a"}, {ID: "b"}}))
		case *lockstore.Last:
			f.Set(reflect.ValueOf(&lockstore.Last{Nonce: "l", By: "somebody"}))
		default:
			if v.Type().Field(i).Name != "DataErr" {
				t.Fatalf("field %s has a new type: does Clone copy it?", v.Type().Field(i).Name)
			}
			f.Set(reflect.ValueOf(io.EOF))
		}
	}
	return r
}

func TestClone(t *testing.T) {
	if (*lockstore.Record)(nil).Clone() != nil {
		t.Error("nil")
	}
	r := filled(t)
	c := r.Clone()
	if !reflect.DeepEqual(r, c) {
		t.Fatalf("got %+v, want %+v", c, r)
	}
	clear(c.Data)
	clear(c.Queue)
	*c.Last = lockstore.Last{}
	if !reflect.DeepEqual(r, filled(t)) {
		t.Errorf("the copy shares something: %+v", r)
	}
	empty := (&lockstore.Record{Data: []byte{}, Queue: []lockstore.Waiter{}}).Clone()
	if empty.Data == nil || empty.Queue == nil {
		t.Error("empty became absent")
	}
}

func TestLegacy(t *testing.T) {
	if !(&lockstore.Record{Owner: "o"}).Legacy() || queued().Legacy() {
		t.Error("a legacy record is one without a nonce")
	}
}

func TestTimeBounds(t *testing.T) {
	if (lockstore.TimeBounds{}).Known() || !(lockstore.TimeBounds{Earliest: time.Unix(1, 0)}).Known() {
		t.Error("known are bounds with an earliest")
	}
}

func TestError(t *testing.T) {
	for _, tt := range []struct {
		err  lockstore.Error
		want string
	}{
		{lockstore.Error{Kind: lockstore.ErrThrottled}, "throttled"},
		{lockstore.Error{Kind: lockstore.ErrThrottled, Op: "UpdateItem"}, "throttled (UpdateItem)"},
		{lockstore.Error{Kind: lockstore.ErrThrottled, Scope: "locks"}, "throttled (locks)"},
		{
			lockstore.Error{
				Kind: lockstore.ErrUnavailable, Op: "UpdateItem", Scope: "locks", Advice: "try later",
				Unknown: true, Err: context.Canceled,
			},
			"store unavailable (UpdateItem locks): try later: context canceled",
		},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

func TestErrorIs(t *testing.T) {
	kinds := []error{
		lockstore.ErrNotFound, lockstore.ErrTableNotFound, lockstore.ErrTableSchema, lockstore.ErrAccessDenied,
		lockstore.ErrThrottled, lockstore.ErrUnavailable, lockstore.ErrMalformed, lockstore.ErrDataTooLarge, lockstore.ErrInvalidRequest,
	}
	for _, kind := range kinds {
		err := fmt.Errorf("wrapped: %w", &lockstore.Error{Kind: kind, Err: context.DeadlineExceeded})
		for _, other := range kinds {
			if errors.Is(err, other) != (kind == other) {
				t.Errorf("%v is %v: %v", kind, other, kind != other)
			}
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v hides its cause", kind)
		}
	}
}
