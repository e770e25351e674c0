// Package dynamostore keeps lock records in an Amazon DynamoDB table, one item
// a key. It is a [lockstore.Store] over the AWS SDK's client.
//
// # Requests
//
// Get is one GetItem, Write one UpdateItem or DeleteItem, a page of Scan one
// Scan. Nothing reads before it writes and nothing uses a transaction. A write
// asks for the item as it stands afterwards (ALL_NEW) or, where its condition
// failed, as it stood then (ALL_OLD, which costs nothing more: DynamoDB API
// Reference, "UpdateItem"), so one request tells the whole state either way.
//
// Each call is one attempt of at most [CallLimit], whatever retryer the SDK's
// client has: dynalock counts a lease from the moment at which a request was
// sent, and must know of each. The one exception is
// ReplicatedWriteConflictException, which says that nothing was applied.
//
// A custom HTTP client under the SDK must not repeat requests by itself.
//
// # Time
//
// The Date header of an answer, a failure's too, says when the server wrote
// it, in whole seconds and cut off: the time lay in [Date, Date + 1 s]. AWS
// promises nothing about its accuracy; see [Store.Info] for the margin.
//
// # Permissions
//
// dynamodb:GetItem, UpdateItem and DeleteItem at run time, Scan for listing;
// CreateTable, DescribeTable, DescribeTimeToLive, UpdateTimeToLive and
// TagResource for CreateTable; ConditionCheckItem for [Store.Guard].
package dynamostore
