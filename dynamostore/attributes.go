package dynamostore

// An attribute is one of the protocol's attributes. Its names in the table are
// those of earlier dynalock versions where they had one: tables of theirs go on.
type attribute uint8

const (
	aOwner attribute = iota
	aTimestamp
	aTTL
	aDeleteOnRelease
	aIsReleased
	aData
	aNonce
	aToken
	aSeq
	aLease
	aExpires
	aSession
	aQueue
	aLast
	aHold
	aEnded
	aEnc
	aRevoked
	aPartition // whatever the table's keys are called
	aSort
	attributes
)

var attributeNames = [aPartition]string{
	aOwner:           "owner",           // S
	aTimestamp:       "timestamp",       // N, epoch seconds
	aTTL:             "ttl",             // N, epoch seconds: what DynamoDB's TTL wants
	aDeleteOnRelease: "deleteOnRelease", // BOOL
	aIsReleased:      "isReleased",      // BOOL
	aData:            "data",            // B; S is read too
	aNonce:           "nonce",           // B, 16 bytes
	aToken:           "token",           // N, from 1
	aSeq:             "seq",             // N
	aLease:           "lease",           // N, milliseconds
	aExpires:         "expires",         // N, epoch milliseconds
	aSession:         "session",         // S
	aQueue:           "queue",           // L of M{id B, owner S, held BOOL, del BOOL}
	aLast:            "last",            // M{nonce B, how S, by S}
	aHold:            "hold",            // N, epoch milliseconds
	aEnded:           "ended",           // BOOL
	aEnc:             "enc",             // N, 1: data is sealed
	aRevoked:         "revoked",         // N, session records only
}

// Names inside a queue's entry and inside last. Short: an item is charged by
// the kilobyte, names included. The hand-over expression relies on held being
// there and false: it becomes the item's isReleased.
const (
	waiterID    = "id"
	waiterOwner = "owner"
	waiterHeld  = "held"
	waiterDel   = "del"
	waiterOne   = "n" // 1: what the token rises by when the lock is passed on

	lastNonce = "nonce"
	lastHow   = "how"
	lastBy    = "by"
)

// placeholders for the attributes in expressions. Always used, even for names
// that are not reserved words today (DynamoDB Developer Guide, "Reserved words").
var placeholders = [attributes]string{
	"#ow", "#ts", "#tt", "#dr", "#re", "#da", "#no", "#to", "#se", "#le",
	"#ex", "#si", "#qu", "#la", "#ho", "#en", "#ec", "#rv", "#pk", "#sk",
}

const placeholderID = "#id" // of queue[i].id

// Reserved reports whether the protocol uses that attribute name, so that
// neither a key nor an attribute of a user's own may have it.
func Reserved(name string) bool {
	for _, n := range attributeNames {
		if n == name {
			return true
		}
	}
	return false
}
