package dynalock

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// TransactGuard gives a ConditionCheck for a TransactWriteItems of your own,
// which then commits only while nobody else has taken the lock. A transaction
// that is refused is cancelled as a whole. It costs two write units for each KB
// of the lock's item and needs dynamodb:ConditionCheckItem.
//
// It fails with the handle's error once that has ended, and with
// errors.ErrUnsupported where the store is not DynamoDB.
func (l *Lock) TransactGuard() (types.TransactWriteItem, error) {
	guard, ok := l.c.store.(interface {
		Guard(key string, nonce lockstore.Nonce) types.TransactWriteItem
	})
	if !ok {
		return types.TransactWriteItem{}, fmt.Errorf("dynalock: TransactGuard needs a lock on DynamoDB: %w", errors.ErrUnsupported)
	}
	l.mu.Lock()
	l.pinned = true
	l.mu.Unlock()
	if err := l.Err(); err != nil {
		return types.TransactWriteItem{}, err
	}
	return guard.Guard(l.key, l.nonce), nil
}

// A Fence is what a conditional update of your own item says, so that a holder
// whose lock was lost without its knowledge cannot overwrite what a later one
// wrote. Join Condition to your own with AND, Set to your SET clause, and add
// Names and Values to yours.
type Fence struct {
	Condition string
	Set       string
	Names     map[string]string
	Values    map[string]types.AttributeValue
}

// FenceCondition gives the parts of an UpdateItem on an item of yours that
// refuse a lower fencing token than the one last written, which is kept in the
// attribute attr. It works for any table, and sends nothing.
//
// What counts is the last token written: until the new holder's first write a
// former one's still pass. So who reads an item to write it anew should make
// that read an UpdateItem with Condition and Set alone and ReturnValues ALL_NEW,
// or use [Lock.TransactGuard]; otherwise a late write between the two is
// overwritten unseen.
func (l *Lock) FenceCondition(attr string) Fence {
	const name, token = "#dynalock_fence", ":dynalock_token"
	return Fence{
		Condition: "(attribute_not_exists(" + name + ") OR " + name + " <= " + token + ")",
		Set:       name + " = " + token,
		Names:     map[string]string{name: attr},
		Values: map[string]types.AttributeValue{
			token: &types.AttributeValueMemberN{Value: strconv.FormatUint(l.Token(), 10)},
		},
	}
}
