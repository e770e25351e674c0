package dynamostore

import (
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// The readers below never panic and take whatever an attribute can be: nil,
// a member type's nil pointer, a type that this SDK version does not know.
// Their errors leave the value out.

func asText(v types.AttributeValue) (string, bool) {
	if m, ok := v.(*types.AttributeValueMemberS); ok && m != nil {
		return m.Value, true
	}
	return "", false
}

func asBytes(v types.AttributeValue) ([]byte, bool) {
	if m, ok := v.(*types.AttributeValueMemberB); ok && m != nil {
		return m.Value, true
	}
	return nil, false
}

func asBool(v types.AttributeValue) (b, ok bool) {
	m, ok := v.(*types.AttributeValueMemberBOOL)
	return ok && m != nil && m.Value, ok && m != nil
}

func asNumber(v types.AttributeValue, least, most int64) (int64, error) {
	m, ok := v.(*types.AttributeValueMemberN)
	if !ok || m == nil {
		return 0, errors.New("is not of type N")
	}
	n, err := strconv.ParseInt(m.Value, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("is out of range")
	case err != nil:
		return 0, errors.New("is not an integer")
	case n < least || n > most:
		return 0, errors.New("is out of range")
	}
	return n, nil
}

// decodeWaiter is strict: hand-over copies an entry into the item unseen.
func decodeWaiter(v types.AttributeValue) (lockstore.Waiter, error) {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok || m == nil {
		return lockstore.Waiter{}, errors.New("is not of type M")
	}
	id, ok := asBytes(m.Value[waiterID])
	if !ok || len(id) != nonceBytes {
		return lockstore.Waiter{}, errors.New("has no valid id")
	}
	owner, ok := asText(m.Value[waiterOwner])
	if !ok {
		return lockstore.Waiter{}, errors.New("has no valid owner")
	}
	if held, ok := asBool(m.Value[waiterHeld]); !ok || held {
		return lockstore.Waiter{}, errors.New("has no valid held")
	}
	v, there := m.Value[waiterDel]
	del, ok := asBool(v)
	if there && !ok {
		return lockstore.Waiter{}, errors.New("has no valid del")
	}
	if _, err := asNumber(m.Value[waiterOne], 1, 1); err != nil {
		return lockstore.Waiter{}, errors.New("has no valid n")
	}
	return lockstore.Waiter{ID: lockstore.Nonce(id), Owner: owner, DeleteOnRelease: del}, nil
}

func decodeLast(v types.AttributeValue) (last lockstore.Last, err error) {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok || m == nil {
		return last, errors.New("is not of type M")
	}
	if v, there := m.Value[lastNonce]; there {
		b, ok := asBytes(v)
		if !ok || len(b) != nonceBytes {
			return last, errors.New("has no valid nonce")
		}
		last.Nonce = lockstore.Nonce(b)
	}
	if v, there := m.Value[lastHow]; there {
		s, ok := asText(v)
		if !ok {
			return last, errors.New("has no valid how")
		}
		last.How = lockstore.How(s)
	}
	if v, there := m.Value[lastBy]; there {
		if last.By, ok = asText(v); !ok {
			return last, errors.New("has no valid by")
		}
	}
	return last, nil
}

// decodeData reads the user's data as bytes. NULL is none: that is what the
// SDK's marshaller made of an early version's nil slice.
func decodeData(it item) (data []byte, sealed bool, err error) {
	if enc, there := it[name(aEnc)]; there {
		if _, err := asNumber(enc, 1, 1); err != nil {
			return nil, false, malformed(aEnc, "is not a known kind of encryption")
		}
		sealed = true
	}
	v, there := it[name(aData)]
	if !there {
		return nil, sealed, nil
	}
	switch m := v.(type) {
	case *types.AttributeValueMemberB:
		if m != nil {
			return append([]byte{}, m.Value...), sealed, nil
		}
	case *types.AttributeValueMemberS:
		if m != nil {
			return []byte(m.Value), sealed, nil
		}
	case *types.AttributeValueMemberNULL:
		if m != nil {
			return nil, sealed, nil
		}
	}
	return nil, sealed, malformed(aData, "is of neither type B nor S")
}
