package dynamostore

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

func (u *update) changeQueue(change lockstore.Change) error {
	switch c := change.(type) {
	case lockstore.KeepQueue:
		return u.to(aQueue, u.queueOrEmpty())
	case lockstore.AddWaiter:
		entry, err := encodeWaiter(lockstore.Waiter(c))
		if err != nil {
			return err
		}
		u.size(len(c.Owner))
		one := &types.AttributeValueMemberL{Value: []types.AttributeValue{entry}}
		return u.to(aQueue, "list_append("+u.queueOrEmpty()+", "+u.any(one)+")")
	case lockstore.DropWaiterAt:
		if c < 0 || c >= lockstore.MaxQueue {
			return fmt.Errorf("a queue has no place %d", int(c))
		}
		return u.dropPlaces(int(c), int(c)+1)
	case lockstore.DropWaiters:
		if c < 0 || c > lockstore.MaxQueue {
			return fmt.Errorf("a queue has no %d entries", int(c))
		}
		return u.dropPlaces(0, int(c))
	case lockstore.PassOn:
		return u.passOn()
	}
	return fmt.Errorf("unknown change %T", change)
}

func (u *update) queueOrEmpty() string {
	return "if_not_exists(" + u.attr(aQueue) + ", " + u.emptyList() + ")"
}

// dropPlaces removes what is at those places before the update; DynamoDB does
// not mind places that are empty. The last comes first: DynamoDB goes by the
// places before the update (Developer Guide, "Removing elements from a list"),
// dynoxide 1.2.1 by those that each removal leaves, and from the back both are
// the same.
func (u *update) dropPlaces(from, to int) error {
	if err := u.touch(aQueue); err != nil {
		return err
	}
	for i := to - 1; i >= from; i-- {
		u.dropPath(u.attr(aQueue) + "[" + strconv.Itoa(i) + "]")
	}
	return nil
}

// passOn frees the lock or hands it over without knowing the queue: each part
// is the head's or, where there is none, what a released record has.
func (u *update) passOn() error {
	u.withID, u.passes = true, true
	head, nonce, owner := u.attr(aQueue)+"[0].", u.attr(aNonce), u.attr(aOwner)
	either := func(part, otherwise string) string {
		return "if_not_exists(" + head + part + ", " + otherwise + ")"
	}
	return errors.Join(
		u.to(aNonce, either(placeholderID, nonce)),
		u.to(aOwner, either("#qo", owner)),
		u.to(aIsReleased, either("#qh", u.expression.bool(true))),
		u.to(aDeleteOnRelease, either("#qd", u.expression.bool(false))),
		u.to(aToken, u.attr(aToken)+" + "+either("#qn", u.number(0))),
		u.dropPlaces(0, 1),
	)
}

func encodeWaiter(w lockstore.Waiter) (types.AttributeValue, error) {
	switch {
	case len(w.ID) != nonceBytes:
		return nil, fmt.Errorf("a waiter's ID has %d bytes, not %d", nonceBytes, len(w.ID))
	case w.Owner == "" || !utf8.ValidString(w.Owner):
		return nil, errors.New("a waiter's owner is empty or not valid UTF-8")
	}
	entry := item{
		waiterID:    &types.AttributeValueMemberB{Value: []byte(w.ID)},
		waiterOwner: &types.AttributeValueMemberS{Value: w.Owner},
		waiterHeld:  &types.AttributeValueMemberBOOL{Value: false},
		waiterOne:   &types.AttributeValueMemberN{Value: "1"},
	}
	if w.DeleteOnRelease { // absent it reads as false, in passOn too
		entry[waiterDel] = &types.AttributeValueMemberBOOL{Value: true}
	}
	return &types.AttributeValueMemberM{Value: entry}, nil
}
