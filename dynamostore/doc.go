// Package dynamostore keeps lock records in an Amazon DynamoDB table, one item
// a key. It is a [lockstore.Store] over the AWS SDK's client.
//
// # Requests
//
// Nothing reads before it writes and nothing uses a transaction. A write asks
// for the item as it stands afterwards (ALL_NEW) or, where its condition
// failed, as it stood then (ALL_OLD, which costs nothing more: DynamoDB API
// Reference, "UpdateItem"), so one request tells the whole state either way.
//
//	call         request                    units, on demand or provisioned
//	Get          GetItem                    read: 1/2 for each 4 KB, 1 if consistent; also where there is no item
//	Write        UpdateItem                 write: 1 for each KB of the item, the larger of before and after; also where the condition fails
//	Write Delete DeleteItem                 write: 1 for each KB of the item; 1 where there is none
//	Scan         Scan, a page               read: as Get, for all that the page reads, found or not (up to 1 MB, so 128 or 256)
//	             and GetItem                1/2 more if the first page is also the last, to see that the table has our keys
//	Guard        within your transaction    write: 2 for each KB of the lock's item
//	CreateTable  DescribeTable,             none
//	             CreateTable if it is not there,
//	             DescribeTimeToLive, UpdateTimeToLive if it is off
//
// (Developer Guide, "Read and write operations".) An item without data stays
// below 1 KB unless names are long or many wait.
//
// Each request is tried once and for at most [CallLimit], whatever retryer the
// SDK's client has: dynalock counts a lease from the moment at which a request
// was sent, and must know of each. The one exception is
// ReplicatedWriteConflictException, which says that nothing was applied: up to
// four tries within that limit. An [API] of your own, or a custom HTTP client
// under the SDK, must not repeat requests by itself. An error about the table's
// keys asks DescribeTable once, to say what they are.
//
// # Errors
//
// Every failure is a [*lockstore.Error]. Its Unknown is false only where the
// write was certainly not applied and never will be: nothing was sent, or
// DynamoDB refused it with a code and a 4xx status. It is true for everything
// else, so for a context that ended, a broken connection, any 5xx, an answer
// that cannot be read, and what a proxy says. Errors match a context error if
// and only if the caller's context ended, and contain no values of items, no
// credentials and no signature.
//
// # Time
//
// The Date header of an answer, a failure's too, says when the server wrote
// it, in whole seconds and cut off: the time lay in [Date, Date + 1 s]. AWS
// promises nothing about its accuracy; see [Store.Info] for the margin. An
// answer that is not DynamoDB's, or came out of a cache (Age), tells no time.
//
// # Permissions
//
// On the table, by what is used:
//
//	Get                      dynamodb:GetItem
//	Write                    dynamodb:UpdateItem, dynamodb:DeleteItem
//	Scan                     dynamodb:Scan (and GetItem, which it can do without)
//	Guard                    dynamodb:ConditionCheckItem
//	CreateTable, existing    dynamodb:DescribeTable, dynamodb:DescribeTimeToLive
//	CreateTable, new         the same, dynamodb:CreateTable, dynamodb:UpdateTimeToLive, and dynamodb:TagResource for tags
//	errors about its keys    dynamodb:DescribeTable (the error says less without it)
//
// A table that is encrypted with a key of your own needs that key's use too.
//
// # The table
//
// Partition key of type S, by default "key"; a sort key of type S if [Config]
// names one, with one value for all locks of the store; item expiry (TTL) on
// attribute "ttl". Billing mode, indexes, streams and other attributes of the
// items are yours. [Store.CreateTable] makes such a table.
//
// # What does not work
//
// Global tables with eventual consistency (MREC) cannot lock across Regions:
// conditions are decided in each Region by itself, so two Regions can both hold
// one lock. Let all clients of a lock use one Region's endpoint. Global tables
// with strong consistency (MRSC) work; they have neither item expiry nor
// transactions, so use WithoutTTL, and not Guard.
//
// DAX must never stand between: its caches answer with items that others have
// long changed.
//
// An engine other than DynamoDB must decide conditions on one item in one
// order, and answer failed ones with the item; where it shows that it does not
// do the latter, calls fail with ErrInvalidRequest.
package dynamostore
