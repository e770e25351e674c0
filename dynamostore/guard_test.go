package dynamostore_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A user's transaction commits while the tenure holds the lock, and not after.
func TestGuard(t *testing.T) {
	held := []lockstore.Change{
		lockstore.SetOwner("o"), lockstore.SetNonce(nonce1), lockstore.SetSeq(1), lockstore.NextToken(1), lockstore.SetReleased(false),
		lockstore.SetLease(time.Second), lockstore.SetExpires(time.Now().Add(time.Second)), lockstore.KeepQueue{},
	}
	takeover := []lockstore.Change{lockstore.SetOwner("p"), lockstore.SetNonce(nonce2), lockstore.NextToken(1)}
	for name, tt := range map[string]struct {
		then   []lockstore.Change
		gone   bool
		passes bool
	}{
		"held":                {nil, false, true},
		"renewed":             {[]lockstore.Change{lockstore.NextSeq{}, lockstore.SetExpires(time.Now().Add(time.Hour))}, false, true},
		"lapsed":              {[]lockstore.Change{lockstore.SetExpires(time.Unix(1, 0))}, false, true}, // and nobody took it
		"kept by a session":   {[]lockstore.Change{lockstore.SetSession("s"), lockstore.SetExpires{}}, false, true},
		"released":            {[]lockstore.Change{lockstore.SetReleased(true)}, false, false},
		"taken over":          {takeover, false, false},
		"only a promise left": {[]lockstore.Change{lockstore.SetEnded(true)}, false, false},
		"deleted":             {nil, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.write("k", lockstore.Write{Do: held})
			r.write("k", lockstore.Write{Do: tt.then, Delete: tt.gone})
			before := r.item("k")
			err := r.transact(r.store.Guard("k", nonce1))
			if (err == nil) != tt.passes {
				t.Errorf("got %v", err)
			}
			if !tt.passes {
				wantCancelled(t, err, before)
			}
			if (r.item("effect") != nil) != tt.passes {
				t.Error("the guarded write does not follow the guard")
			}
			if !reflect.DeepEqual(r.item("k"), before) {
				t.Errorf("the lock became %v", r.item("k"))
			}
		})
	}
}

// A guard without a tenure never passes.
func TestGuardOfNobody(t *testing.T) {
	r := newRig(t)
	r.write("k", ownerOnly) // an early version's item
	for _, nonce := range []lockstore.Nonce{"", "short"} {
		wantCancelled(t, r.transact(r.store.Guard("k", nonce)), r.item("k"))
	}
}

func (r *rig) transact(guard types.TransactWriteItem) error {
	_, err := r.db.TransactWriteItems(r.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		guard, {Put: &types.Put{TableName: &r.table, Item: attributes{"key": text("effect")}}},
	}})
	return err
}

// wantCancelled checks that the guard was the reason, and shows the lock.
func wantCancelled(t *testing.T, err error, item attributes) {
	t.Helper()
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 {
		t.Fatalf("got %v", err)
	}
	reason := cancelled.CancellationReasons[0]
	if *reason.Code != "ConditionalCheckFailed" || !reflect.DeepEqual(reason.Item, item) && len(reason.Item)+len(item) > 0 {
		t.Errorf("the reason is %s with %v", *reason.Code, reason.Item)
	}
}
