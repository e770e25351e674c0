package dynamostore

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// charged is what the answer reports.
func charged(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

// estimate is what a write whose condition failed was charged, which its answer
// does not report: a unit for each KB of the item there or of the one that was
// to be, the larger counts (Developer Guide, "Working with items", conditional
// writes). Of the latter only what was sent is known.
func estimate(there item, sent ...item) float64 {
	size := 0
	for _, part := range sent {
		size += itemBytes(part)
	}
	return float64(max((max(size, itemBytes(there))+1023)/1024, 1))
}

// itemBytes is about the size that DynamoDB charges for (Developer Guide,
// "DynamoDB item sizes and formats").
func itemBytes(i item) (n int) {
	for name, v := range i {
		n += len(name) + valueBytes(v)
	}
	return n
}

func valueBytes(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 1
	case *types.AttributeValueMemberL:
		n := 3
		for _, e := range v.Value {
			n += 1 + valueBytes(e)
		}
		return n
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + itemBytes(v.Value)
	}
	return 1
}
