package dynamostore

import (
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

type item = map[string]types.AttributeValue

// nonceBytes is the size of every nonce.
const nonceBytes = 16

// maxTime is the end of the year 9999: what lies beyond was not written by
// dynalock, and neither JSON nor differences of such times work.
var maxTime = time.Date(9999, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC)

// maxLease is what a time.Duration holds.
const maxLease = int64(math.MaxInt64 / time.Millisecond)

// decode reads an item; an empty one is no record. It is strict: rather no
// lock than a wrong reading of one. Errors match lockstore.ErrMalformed and
// name the attribute, never its value.
//
// What is read more leniently: numbers in timestamp and ttl that are no
// plausible seconds are as good as none, because they decide nothing here and
// tables exist where somebody wrote milliseconds; data has an error of its
// own, so that a lock can be released whose data cannot be read.
func decode(it item) (*lockstore.Record, error) {
	if len(it) == 0 {
		return nil, nil
	}
	d := decoder{it: it}
	r := &lockstore.Record{
		Owner:           d.text(aOwner),
		Nonce:           d.nonce(aNonce),
		Token:           d.number(aToken, 1, math.MaxInt64),
		Seq:             d.number(aSeq, 0, math.MaxInt64),
		Since:           d.seconds(aTimestamp),
		Lease:           time.Duration(d.number(aLease, 0, maxLease)) * time.Millisecond,
		Expires:         d.millis(aExpires),
		TTL:             d.seconds(aTTL),
		Released:        d.bool(aIsReleased),
		DeleteOnRelease: d.bool(aDeleteOnRelease),
		Hold:            d.millis(aHold),
		Ended:           d.bool(aEnded),
		Session:         d.text(aSession),
		Queue:           d.queue(aQueue),
		Last:            d.last(aLast),
		Revoked:         d.number(aRevoked, 0, math.MaxInt64),
	}
	if _, owner := it[name(aOwner)]; r.Nonce == "" && !owner {
		// An early version's item, whose only identity is the owner's name.
		d.fail(aOwner, "is missing, and there is no nonce")
	}
	if d.err != nil {
		return nil, d.err
	}
	r.Data, r.Sealed, r.DataErr = decodeData(it)
	return r, nil
}

func name(a attribute) string { return attributeNames[a] }

type malformedError struct {
	attribute string
	what      string
}

func (e *malformedError) Error() string        { return "attribute " + e.attribute + " " + e.what }
func (e *malformedError) Is(target error) bool { return target == lockstore.ErrMalformed }

func malformed(a attribute, what string) error {
	return &malformedError{attribute: name(a), what: what}
}

// A decoder reads attributes and keeps the first error. An attribute is there
// if the item names it, also with a value that this SDK does not know.
type decoder struct {
	it  item
	err error
}

func (d *decoder) fail(a attribute, what string) {
	if d.err == nil {
		d.err = malformed(a, what)
	}
}

func (d *decoder) text(a attribute) string {
	v, there := d.it[name(a)]
	if !there {
		return ""
	}
	s, ok := asText(v)
	switch {
	case !ok:
		d.fail(a, "is not of type S")
	case s == "" && a != aOwner:
		d.fail(a, "is empty") // absence says that, and conditions test for it
	}
	return s
}

func (d *decoder) nonce(a attribute) lockstore.Nonce {
	v, there := d.it[name(a)]
	if !there {
		return ""
	}
	b, ok := asBytes(v)
	switch {
	case !ok:
		d.fail(a, "is not of type B")
	case len(b) != nonceBytes:
		d.fail(a, fmt.Sprintf("has not %d bytes", nonceBytes))
	}
	return lockstore.Nonce(b)
}

func (d *decoder) number(a attribute, least, most int64) int64 {
	v, there := d.it[name(a)]
	if !there {
		return 0
	}
	n, err := asNumber(v, least, most)
	if err != nil {
		d.fail(a, err.Error())
	}
	return n
}

func (d *decoder) bool(a attribute) bool {
	v, there := d.it[name(a)]
	if !there {
		return false
	}
	b, ok := asBool(v)
	if !ok {
		d.fail(a, "is not of type BOOL")
	}
	return b
}

func (d *decoder) millis(a attribute) time.Time {
	if _, there := d.it[name(a)]; !there {
		return time.Time{}
	}
	return time.UnixMilli(d.number(a, 0, maxTime.UnixMilli())).UTC()
}

func (d *decoder) seconds(a attribute) time.Time {
	v, there := d.it[name(a)]
	if !there {
		return time.Time{}
	}
	if _, ok := v.(*types.AttributeValueMemberN); !ok {
		d.fail(a, "is not of type N")
	}
	n, err := asNumber(v, 0, maxTime.Unix())
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

func (d *decoder) queue(a attribute) []lockstore.Waiter {
	v, there := d.it[name(a)]
	if !there {
		return nil
	}
	list, ok := v.(*types.AttributeValueMemberL)
	if !ok || list == nil {
		d.fail(a, "is not of type L")
		return nil
	}
	queue := make([]lockstore.Waiter, 0, len(list.Value))
	for i, entry := range list.Value {
		w, err := decodeWaiter(entry)
		if err != nil {
			d.fail(a, fmt.Sprintf("has an entry %d that %v", i, err))
			return nil
		}
		queue = append(queue, w)
	}
	return queue
}

func (d *decoder) last(a attribute) *lockstore.Last {
	v, there := d.it[name(a)]
	if !there {
		return nil
	}
	last, err := decodeLast(v)
	switch {
	case err != nil:
		d.fail(a, err.Error())
		return nil
	case last == lockstore.Last{}:
		return nil
	}
	return &last
}
