package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// TableAPI is what [Store.CreateTable] needs of the SDK's client beside [API].
// An API that has these methods too, as *dynamodb.Client does, can make tables.
type TableAPI interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

var _ TableAPI = (*dynamodb.Client)(nil)

// Bounds of CreateTable. DynamoDB makes a table within seconds as a rule.
const (
	tableLimit     = 5 * time.Minute // for all of it, if the context has no earlier end
	tableTries     = 8               // failures in a row that may pass
	tablePause     = 50 * time.Millisecond
	tablePauseMost = 2 * time.Second
)

// errTableLimit is the cause where CreateTable's own limit ended it.
var errTableLimit = errors.New("the table is not usable after " + tableLimit.String())

// CreateTable implements [lockstore.TableCreator]: an on-demand table with the
// store's keys, and item expiry on the attribute "ttl". Of a table that exists
// it checks the keys and leaves everything else as it is, save for item expiry,
// which is switched on unless it is on or opts say not to. Many processes may
// call it at once.
//
// It waits until the table can be used, or until ctx ends.
func (s *Store) CreateTable(ctx context.Context, opts lockstore.TableOptions) error {
	tables, ok := s.db.(TableAPI)
	if !ok {
		return s.invalid("CreateTable", fmt.Sprintf("%T lacks the methods of dynamostore.TableAPI; give a *dynamodb.Client, or make the table by other means", s.db))
	}
	limited, cancel := context.WithTimeoutCause(ctx, tableLimit, errTableLimit)
	defer cancel()
	m := &tableMaker{Store: s, api: tables, opts: opts, caller: ctx}
	if err := m.make(limited); err != nil || opts.WithoutTTL {
		return err
	}
	return m.expire(limited)
}

// A tableMaker is one call of CreateTable.
type tableMaker struct {
	*Store
	api     TableAPI
	opts    lockstore.TableOptions
	caller  context.Context // without CreateTable's own limit
	created bool            // was asked for, at least
	pauses  int
	failed  int // in a row
}

// make sees to it that the table is there and usable. It looks first: where
// the table exists nobody needs the right to create one.
func (m *tableMaker) make(ctx context.Context) error {
	for {
		table, err := m.describe(ctx, m.api)
		switch {
		case isA[*types.ResourceNotFoundException](err):
			err = m.create(ctx)
		case err == nil:
			if err := m.checkKeys(table); err != nil {
				return err
			}
			if usable, err := m.usable(table.TableStatus); usable || err != nil {
				return err
			}
		}
		if err := m.again(ctx, err, mayPass(err)); err != nil {
			return err
		}
	}
}

// usable tells whether waiting is over, and whether it makes sense. A table
// that is being deleted is waited for, and then made anew.
func (m *tableMaker) usable(status types.TableStatus) (bool, error) {
	switch status {
	case types.TableStatusActive, types.TableStatusUpdating:
		return true, nil
	case types.TableStatusCreating, types.TableStatusDeleting:
		return false, nil
	}
	return false, &lockstore.Error{
		Kind: lockstore.ErrUnavailable, Op: "DescribeTable", Scope: m.table,
		Advice: fmt.Sprintf("the table's status is %s; look at it in the console", status),
	}
}

func (m *tableMaker) create(ctx context.Context) error {
	in := &dynamodb.CreateTableInput{
		TableName:                 aws.String(m.table),
		BillingMode:               types.BillingModePayPerRequest,
		DeletionProtectionEnabled: aws.Bool(m.opts.DeletionProtection),
	}
	addKey(in, m.partition, types.KeyTypeHash)
	if m.sort != "" {
		addKey(in, m.sort, types.KeyTypeRange)
	}
	for _, tag := range slices.Sorted(maps.Keys(m.opts.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(tag), Value: aws.String(m.opts.Tags[tag])})
	}
	m.created = true
	_, err := request(ctx, m.caller, m.Store, "CreateTable", in, m.api.CreateTable)
	if isA[*types.ResourceInUseException](err) {
		return nil // somebody else makes it
	}
	return err
}

func addKey(in *dynamodb.CreateTableInput, name string, role types.KeyType) {
	in.AttributeDefinitions = append(in.AttributeDefinitions,
		types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: role})
}

func (m *tableMaker) describe(ctx context.Context, tables TableAPI) (*types.TableDescription, error) {
	return m.Store.describe(ctx, m.caller, tables)
}

// again waits before the next try. It gives an error where there is none: err
// itself if it will not pass or came too often, or that the time is up.
func (m *tableMaker) again(ctx context.Context, err error, passes bool) error {
	switch {
	case err == nil:
		m.failed = 0
	case !passes && ctx.Err() == nil:
		return err
	default:
		m.failed++
	}
	if m.failed < tableTries && pause(ctx, min(tablePause<<min(m.pauses, 10), tablePauseMost)) {
		m.pauses++
		return nil
	}
	if ctx.Err() == nil {
		return err
	}
	ended := &lockstore.Error{
		Kind: lockstore.ErrUnavailable, Op: "CreateTable", Scope: m.table, Unknown: m.created,
		Advice: "the table may still become usable; call it again", Err: context.Cause(ctx),
	}
	if cause := m.caller.Err(); cause != nil {
		ended.Err = callerEnded(m.caller)
	}
	return ended
}

// mayPass reports a failure that time may heal, all those included that come
// of the table's being made just now.
func mayPass(err error) bool {
	return errors.Is(err, lockstore.ErrUnavailable) || errors.Is(err, lockstore.ErrThrottled) ||
		errors.Is(err, lockstore.ErrTableNotFound)
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// request is an attempt whose failure is a store's error. limited may end
// before caller does, which must not look like the caller's doing.
func request[In, Out any](limited, caller context.Context, s *Store, op string, in *In,
	call func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error),
) (*Out, error) {
	out, a, err := attempt(limited, op, in, call)
	if err != nil {
		return nil, s.fail(caller, a, err)
	}
	return out, nil
}

func (s *Store) describe(limited, caller context.Context, tables TableAPI) (*types.TableDescription, error) {
	in := &dynamodb.DescribeTableInput{TableName: aws.String(s.table)}
	out, err := request(limited, caller, s, "DescribeTable", in, tables.DescribeTable)
	switch {
	case err != nil:
		return nil, err
	case out.Table == nil:
		return nil, s.fail(caller, &attempted{op: "DescribeTable"}, errNoAnswer)
	}
	return out.Table, nil
}
