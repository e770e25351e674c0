package dynamostore_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A stubAPI is an API that is no SDK client: what it does not say, the store
// cannot know.
type stubAPI struct {
	get     func(context.Context) (*dynamodb.GetItemOutput, error)
	update  func(context.Context) (*dynamodb.UpdateItemOutput, error)
	updated *dynamodb.UpdateItemInput
	calls   int
}

func (s *stubAPI) GetItem(ctx context.Context, _ *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	s.calls++
	if s.get == nil {
		return nil, nil
	}
	return s.get(ctx)
}

func (s *stubAPI) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	s.calls++
	s.updated = in
	if s.update == nil {
		return nil, nil
	}
	return s.update(ctx)
}

func (s *stubAPI) DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return nil, nil
}

func (s *stubAPI) Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return nil, nil
}

func bytesIn(values attributes) []byte {
	for _, v := range values {
		if b, ok := v.(*types.AttributeValueMemberB); ok {
			return b.Value
		}
	}
	return nil
}
