package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// API is what the store needs of the SDK's client at run time. *dynamodb.Client
// has it, and so can whatever wraps one.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Limits of DynamoDB (Developer Guide, "Constraints").
const (
	maxNameBytes = 255
	maxKeyBytes  = 2048
	maxSortBytes = 1024
	maxItemBytes = 400 * 1024
)

// clockMargin is how far the servers behind one endpoint may disagree, or lag
// by stamping answers from a cached clock. AWS states no figure; half a second
// is ample for hosts that keep time by NTP.
const clockMargin = 500 * time.Millisecond

// DefaultPartitionKey is the partition key's name where Config gives none.
const DefaultPartitionKey = "key"

// Config describes the table's keys; they are of type S.
type Config struct {
	// PartitionKey is the name of the attribute that holds the lock's key.
	// Default [DefaultPartitionKey].
	PartitionKey string
	// SortKey is the name of the table's sort key; default: it has none.
	SortKey string
	// SortValue is the sort key's value, one for all locks of this store.
	// Needed with SortKey; at most 1024 bytes.
	SortValue string
	// ReportCapacity makes results tell what they were charged; what a failed
	// condition was, which DynamoDB does not report, is estimated.
	ReportCapacity bool
}

// A Store keeps lock records in one table. It is safe for concurrent use and
// has no state but its settings.
type Store struct {
	db        API
	table     string
	partition string
	sort      string
	sortValue string
	report    types.ReturnConsumedCapacity
}

var (
	_ lockstore.Store        = (*Store)(nil)
	_ lockstore.TableCreator = (*Store)(nil)
	_ API                    = (*dynamodb.Client)(nil)
)

// New gives a store on that table. It asks nobody: a table that is missing or
// has other keys shows at the first call.
func New(db API, table string, config Config) (*Store, error) {
	if isNil(db) {
		return nil, errors.New("the DynamoDB client is nil")
	}
	if table == "" {
		return nil, errors.New("the table name is empty")
	}
	if config.PartitionKey == "" {
		config.PartitionKey = DefaultPartitionKey
	}
	if err := checkName("partition key name", config.PartitionKey); err != nil {
		return nil, err
	}
	s := &Store{db: db, table: table, partition: config.PartitionKey, sort: config.SortKey}
	if config.ReportCapacity {
		s.report = types.ReturnConsumedCapacityTotal
	}
	if config.SortKey == "" {
		if config.SortValue != "" {
			return nil, errors.New("the sort key value is set without a sort key name")
		}
		return s, nil
	}
	if err := checkSort(config); err != nil {
		return nil, err
	}
	s.sortValue = config.SortValue
	return s, nil
}

func checkSort(config Config) error {
	if err := checkName("sort key name", config.SortKey); err != nil {
		return err
	}
	switch value := config.SortValue; {
	case config.SortKey == config.PartitionKey:
		return fmt.Errorf("the sort key name %q is the partition key name too", config.SortKey)
	case value == "":
		return errors.New("the sort key value is empty; a table with a sort key needs one")
	case len(value) > maxSortBytes:
		return fmt.Errorf("the sort key value has %d bytes, more than the %d that DynamoDB takes", len(value), maxSortBytes)
	case !utf8.ValidString(value):
		return errors.New("the sort key value is not valid UTF-8")
	}
	return nil
}

func checkName(setting, name string) error {
	switch {
	case len(name) > maxNameBytes:
		return fmt.Errorf("the %s has %d bytes, more than the %d that DynamoDB takes", setting, len(name), maxNameBytes)
	case !utf8.ValidString(name):
		return fmt.Errorf("the %s is not valid UTF-8", setting)
	case Reserved(name):
		return fmt.Errorf("the %s %q is an attribute of a lock's record", setting, name)
	}
	return nil
}

// isNil sees through an interface that holds a nil pointer, which would panic
// at the first call, far from where it was passed.
func isNil(db API) bool {
	if db == nil {
		return true
	}
	v := reflect.ValueOf(db)
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Slice, reflect.Interface:
		return v.IsNil()
	}
	return false
}

// Info implements [lockstore.Store].
func (s *Store) Info() lockstore.Info {
	return lockstore.Info{Scope: s.table, ClockMargin: clockMargin}
}

// Get implements [lockstore.Store]: one GetItem, half a read unit for each
// 4 KB, a whole one if consistent.
func (s *Store) Get(ctx context.Context, key string, read lockstore.Consistency) (lockstore.Result, error) {
	if err := s.checkKey("GetItem", key); err != nil {
		return lockstore.Result{}, err
	}
	in := &dynamodb.GetItemInput{
		TableName:      aws.String(s.table),
		Key:            s.key(key),
		ConsistentRead: aws.Bool(bool(read)),

		ReturnConsumedCapacity: s.report,
	}
	out, a, err := attempt(ctx, "GetItem", in, s.db.GetItem)
	if err != nil {
		return lockstore.Result{Time: timeOfFailure(err)}, s.fail(ctx, a, err)
	}
	result := lockstore.Result{Time: timeOf(out.ResultMetadata), Units: charged(out.ConsumedCapacity)}
	result.Record, err = decode(out.Item)
	if err != nil {
		return result, s.malformed("GetItem", err, false)
	}
	return result, nil
}

func (s *Store) key(key string) map[string]types.AttributeValue {
	m := make(map[string]types.AttributeValue, 2)
	m[s.partition] = &types.AttributeValueMemberS{Value: key}
	if s.sort != "" {
		m[s.sort] = &types.AttributeValueMemberS{Value: s.sortValue}
	}
	return m
}

// checkKey refuses what would not arrive as it was given: JSON replaces what
// is not UTF-8, so two such keys could become one lock.
func (s *Store) checkKey(op, key string) error {
	switch {
	case key == "":
		return s.invalid(op, "the key is empty")
	case len(key) > maxKeyBytes:
		return s.invalid(op, fmt.Sprintf("the key has %d bytes, more than the %d that DynamoDB takes", len(key), maxKeyBytes))
	case !utf8.ValidString(key):
		return s.invalid(op, "the key is not valid UTF-8")
	}
	return nil
}
