package memstore

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// What DynamoDB allows, so that a test does not pass here and fail there:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxItem = 400 << 10 // bytes, with the names of the attributes
	maxKey  = 2048      // bytes
	// overhead is what a record takes beside its key, owner and data.
	overhead = 1 << 10
)

var errKey = errors.New("a key has 1 to 2048 bytes of valid UTF-8")

func size(key string, r *lockstore.Record) int {
	return len(key) + len(r.Owner) + len(r.Data) + overhead
}

// check answers for requests that a store refuses before it looks at a record.
func (s *Store) check(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return s.fail(op, lockstore.ErrUnavailable, err)
	}
	if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
		return s.fail(op, lockstore.ErrInvalidRequest, errKey)
	}
	return nil
}

// fail never says Unknown: whatever fails here was not applied.
func (s *Store) fail(op string, kind, cause error) error {
	return &lockstore.Error{Kind: kind, Op: op, Scope: s.scope, Err: cause}
}
