package dynamostore

import (
	"context"
	"errors"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Scan implements [lockstore.Store]: one request that reads up to 1 MB of the
// table, charged for what it reads and not for what it finds. A first page
// that is also the last needs half a unit more: see checkedKeys.
func (s *Store) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	in, err := s.scanInput(q)
	if err != nil {
		return lockstore.Page{}, s.invalid("Scan", err.Error())
	}
	out, a, err := attempt(ctx, "Scan", in, s.db.Scan)
	if err != nil {
		return lockstore.Page{Time: timeOfFailure(err)}, s.fail(ctx, a, err)
	}
	page := lockstore.Page{Time: timeOf(out.ResultMetadata), Units: charged(out.ConsumedCapacity)}
	if page.Items, err = s.items(out.Items); err == nil {
		page.Next, err = s.next(out.LastEvaluatedKey)
	}
	if err == nil && q.After == "" && page.Next == "" {
		err = s.checkedKeys(ctx)
	}
	if err != nil {
		return lockstore.Page{Time: page.Time}, &lockstore.Error{
			Kind: lockstore.ErrTableSchema, Op: "Scan", Scope: s.table, Advice: s.explainSchema(ctx), Err: err,
		}
	}
	return page, nil
}

func (s *Store) scanInput(q lockstore.Query) (*dynamodb.ScanInput, error) {
	switch {
	case q.Limit < 0:
		return nil, errors.New("the limit is negative")
	case !utf8.ValidString(q.Prefix):
		return nil, errors.New("the prefix is not valid UTF-8")
	}
	start, err := s.startKey(q.After)
	if err != nil {
		return nil, err
	}
	e := newExpression(s)
	in := &dynamodb.ScanInput{
		TableName:         aws.String(s.table),
		ConsistentRead:    aws.Bool(q.Consistent),
		ExclusiveStartKey: start,
		FilterExpression:  optional(s.filter(e, q.Prefix)),

		ReturnConsumedCapacity: s.report,
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.names(), e.valueMap()
	if q.Limit > 0 {
		in.Limit = aws.Int32(int32(min(q.Limit, math.MaxInt32)))
	}
	return in, nil
}

func (s *Store) filter(e *expression, prefix string) string {
	var parts []string
	if prefix != "" {
		parts = append(parts, "begins_with("+e.attr(aPartition)+", "+e.text(prefix)+")")
	}
	if s.sort != "" {
		parts = append(parts, e.attr(aSort)+" = "+e.text(s.sortValue))
	}
	return strings.Join(parts, " AND ")
}

// errForeignKeys: an item has its table's key attributes, always, so one
// without ours proves that the table has other keys. Skipping it would make
// the wrong table look like an empty one.
var errForeignKeys = errors.New("an item has other keys")

func (s *Store) items(found []item) ([]lockstore.Item, error) {
	items := make([]lockstore.Item, 0, len(found))
	for _, it := range found {
		key, ok := asText(it[s.partition])
		if !ok {
			return nil, errForeignKeys
		}
		record, err := decode(it)
		if err != nil {
			err = s.malformed("Scan", err, false)
		}
		items = append(items, lockstore.Item{Key: key, Record: record, Err: err})
	}
	return items, nil
}

// checkedKeys gives an error if the table certainly has other keys. A Scan is
// right for every table, and only where its answer names a next page does it
// show the table's keys; so a read of one key asks, which nothing needs to be
// under.
func (s *Store) checkedKeys(ctx context.Context) error {
	in := &dynamodb.GetItemInput{TableName: aws.String(s.table), Key: s.key("dynalock")}
	_, a, err := attempt(ctx, "GetItem", in, s.db.GetItem)
	if err == nil {
		return nil
	}
	if e := s.classify(ctx, a, err); e.Kind == lockstore.ErrTableSchema {
		return quiet(err)
	}
	return nil // and where GetItem is denied, say, the page is good all the same
}
