package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// explainLimit bounds the one DescribeTable that makes a schema error tell
// what the table's keys are.
const explainLimit = 2 * time.Second

// explainSchema never fails: without an answer it says only what was expected.
func (s *Store) explainSchema(ctx context.Context) string {
	tables, ok := s.db.(TableAPI)
	if !ok {
		return "expected " + s.expectedKeys()
	}
	limited, cancel := context.WithTimeout(ctx, explainLimit)
	defer cancel()
	table, err := s.describe(limited, ctx, tables)
	switch {
	case errors.Is(err, lockstore.ErrAccessDenied):
		return "expected " + s.expectedKeys() + "; allow dynamodb:DescribeTable to learn what it has"
	case err != nil:
		return "expected " + s.expectedKeys()
	}
	return s.keyMismatch(table)
}

func (s *Store) keyMismatch(table *types.TableDescription) string {
	return "expected " + s.expectedKeys() + ", found " + foundKeys(table)
}

func (s *Store) expectedKeys() string {
	text := fmt.Sprintf("partition key %q of type S", s.partition)
	if s.sort == "" {
		return text + " and no sort key"
	}
	return text + fmt.Sprintf(" and sort key %q of type S", s.sort)
}

func foundKeys(table *types.TableDescription) string {
	partition, sort := keysOf(table)
	text := "partition key " + partition.String()
	if sort.name == "" {
		return text + " and no sort key"
	}
	return text + " and sort key " + sort.String()
}

type keyOf struct {
	name string
	as   types.ScalarAttributeType
}

func (k keyOf) String() string { return fmt.Sprintf("%q of type %s", k.name, k.as) }

func keysOf(table *types.TableDescription) (partition, sort keyOf) {
	for _, k := range table.KeySchema {
		key := keyOf{name: aws.ToString(k.AttributeName)}
		for _, d := range table.AttributeDefinitions {
			if aws.ToString(d.AttributeName) == key.name {
				key.as = d.AttributeType
			}
		}
		if k.KeyType == types.KeyTypeHash {
			partition = key
		} else {
			sort = key
		}
	}
	return partition, sort
}

// checkKeys compares an existing table with what the store was told.
func (s *Store) checkKeys(table *types.TableDescription) error {
	partition, sort := keysOf(table)
	want, wantSort := keyOf{s.partition, types.ScalarAttributeTypeS}, keyOf{}
	if s.sort != "" {
		wantSort = keyOf{s.sort, types.ScalarAttributeTypeS}
	}
	if partition == want && sort == wantSort {
		return nil
	}
	return &lockstore.Error{
		Kind: lockstore.ErrTableSchema, Op: "DescribeTable", Scope: s.table, Advice: s.keyMismatch(table),
		Err: errors.New("the table exists and is left as it is"),
	}
}
