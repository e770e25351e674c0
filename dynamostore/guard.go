package dynamostore

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Guard is a part for a user's own TransactWriteItems: the transaction commits
// only while that tenure holds that key. It does not look at the lease: a
// lapsed tenure that nobody took over is still the last one.
//
// It costs two write units for each KB of the item and needs
// dynamodb:ConditionCheckItem. A transaction that it refuses is cancelled with
// the item in its reasons. Tables with multi-Region strong consistency have no
// transactions.
func (s *Store) Guard(key string, nonce lockstore.Nonce) types.TransactWriteItem {
	const condition = "#no = :no AND (attribute_not_exists(#re) OR #re = :false) AND attribute_not_exists(#en)"
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName:           aws.String(s.table),
		Key:                 s.key(key),
		ConditionExpression: optional(condition),
		ExpressionAttributeNames: map[string]string{
			placeholders[aNonce]:      attributeNames[aNonce],
			placeholders[aIsReleased]: attributeNames[aIsReleased],
			placeholders[aEnded]:      attributeNames[aEnded],
		},
		ExpressionAttributeValues: item{
			":no":    &types.AttributeValueMemberB{Value: []byte(nonce)},
			":false": &types.AttributeValueMemberBOOL{Value: false},
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}
