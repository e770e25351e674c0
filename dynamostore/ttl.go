package dynamostore

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// expire switches the table's item expiry on. It looks first, for DynamoDB
// refuses a second switch for about an hour (API Reference, "UpdateTimeToLive").
// Where another process switched between the look and ours, the refusal leads
// to a second look.
func (m *tableMaker) expire(ctx context.Context) error {
	m.failed = 0
	for {
		on, err := m.expires(ctx)
		passes := mayPass(err)
		if err == nil && !on {
			if err = m.switchOn(ctx); err == nil {
				return nil
			}
			// The code that a lost race has, and a table that cannot have it.
			passes = mayPass(err) || errors.Is(err, lockstore.ErrInvalidRequest)
		}
		if on || errors.Is(err, errExpiry) {
			return err
		}
		if err := m.again(ctx, err, passes); err != nil {
			return withoutExpiry(err)
		}
	}
}

// errExpiry is the cause where time will not heal what is found.
var errExpiry = errors.New("the table's item expiry is left as it is")

// expires looks whether item expiry is on.
func (m *tableMaker) expires(ctx context.Context) (bool, error) {
	const op = "DescribeTimeToLive"
	in := &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(m.table)}
	out, err := request(ctx, m.caller, m.Store, op, in, m.api.DescribeTimeToLive)
	if err != nil || out.TimeToLiveDescription == nil {
		return false, err
	}
	e := &lockstore.Error{Kind: lockstore.ErrInvalidRequest, Op: op, Scope: m.table, Err: errExpiry}
	attribute := aws.ToString(out.TimeToLiveDescription.AttributeName)
	switch status := out.TimeToLiveDescription.TimeToLiveStatus; {
	case status == types.TimeToLiveStatusDisabling:
		e.Kind, e.Advice = lockstore.ErrUnavailable, "DynamoDB is still switching item expiry off, which takes up to an hour; try again then, or leave it off (WithoutTTL)"
	case status != types.TimeToLiveStatusEnabled && status != types.TimeToLiveStatusEnabling:
		return false, nil
	case attribute == name(aTTL):
		return true, nil
	default:
		e.Advice = fmt.Sprintf("item expiry is on attribute %q and not on %q; switch it off, or leave it as it is (WithoutTTL)", attribute, name(aTTL))
	}
	return false, e
}

func (m *tableMaker) switchOn(ctx context.Context) error {
	in := &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(m.table),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(name(aTTL)), Enabled: aws.Bool(true),
		},
	}
	_, err := request(ctx, m.caller, m.Store, "UpdateTimeToLive", in, m.api.UpdateTimeToLive)
	return err
}

// withoutExpiry says how to do without, which locks can.
func withoutExpiry(err error) error {
	if e, ok := errors.AsType[*lockstore.Error](err); ok && e.Kind == lockstore.ErrInvalidRequest && e.Advice == "" {
		e.Advice = "item expiry cannot be switched on here; leave it off (WithoutTTL) and remove old items by other means"
	}
	return err
}
