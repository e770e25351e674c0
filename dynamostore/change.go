package dynamostore

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// An update collects the two clauses of an UpdateExpression. Zero values are
// removed rather than stored, so that absence has one form only.
type update struct {
	*expression
	set, remove strings.Builder
	touched     uint32 // attributes by bit
	bytes       int    // of texts and data, for the item's size
}

// text gives the UpdateExpression of the changes, empty where there are none.
func (u *update) text(changes []lockstore.Change) (string, error) {
	u.set.Grow(384)
	u.set.WriteString("SET ")
	u.remove.WriteString(" REMOVE ")
	for _, change := range changes {
		if err := u.change(change); err != nil {
			return "", err
		}
	}
	set, remove := u.set.String(), u.remove.String()
	switch noSet, noRemove := set == "SET ", remove == " REMOVE "; {
	case noSet && noRemove:
		return "", nil
	case noSet:
		return remove[1:], nil
	case noRemove:
		return set, nil
	}
	return set + remove, nil
}

func (u *update) change(change lockstore.Change) error {
	switch c := change.(type) {
	case lockstore.SetOwner:
		return u.setText(aOwner, string(c))
	case lockstore.SetNonce:
		return u.setNonce(string(c))
	case lockstore.NextToken:
		return u.next(aToken, int64(c))
	case lockstore.SetToken:
		return u.setNumber(aToken, int64(c))
	case lockstore.SetSeq:
		return u.setNumber(aSeq, int64(c))
	case lockstore.NextSeq:
		return u.next(aSeq, 0)
	case lockstore.SetLease:
		return u.setLease(time.Duration(c))
	case lockstore.SetExpires:
		return u.setTime(aExpires, time.Time(c), time.Time(c).UnixMilli())
	case lockstore.SetTTL:
		return u.setTime(aTTL, time.Time(c), time.Time(c).Unix())
	case lockstore.SetSince:
		return u.setTime(aTimestamp, time.Time(c), time.Time(c).Unix())
	case lockstore.SetReleased:
		// False is stored: the hand-over expression and early versions'
		// readers expect the attribute.
		return u.to(aIsReleased, u.expression.bool(bool(c)))
	case lockstore.SetDeleteOnRelease:
		return u.to(aDeleteOnRelease, u.expression.bool(bool(c)))
	case lockstore.SetData:
		return u.setData(c)
	case lockstore.SetSession:
		return u.setText(aSession, string(c))
	case lockstore.SetLast:
		return u.setLast(lockstore.Last(c))
	case lockstore.SetHold:
		return u.setTime(aHold, time.Time(c), time.Time(c).UnixMilli())
	case lockstore.SetEnded:
		if !c {
			return u.drop(aEnded)
		}
		return u.to(aEnded, u.expression.bool(true))
	case lockstore.NextRevoked:
		return u.next(aRevoked, 0)
	}
	return u.changeQueue(change)
}

func (u *update) size(n int) { u.bytes += n }

// touch refuses a second change of one attribute, as DynamoDB does, but before
// anything is sent.
func (u *update) touch(a attribute) error {
	if u.touched&(1<<a) != 0 {
		return fmt.Errorf("two changes of %s", name(a))
	}
	u.touched |= 1 << a
	return nil
}

func (u *update) to(a attribute, operand string) error {
	if err := u.touch(a); err != nil {
		return err
	}
	if u.set.Len() > len("SET ") {
		u.set.WriteString(", ")
	}
	join(&u.set, u.attr(a), " = ", operand)
	return nil
}

func (u *update) drop(a attribute) error {
	if err := u.touch(a); err != nil {
		return err
	}
	u.dropPath(u.attr(a))
	return nil
}

func (u *update) dropPath(path string) {
	if u.remove.Len() > len(" REMOVE ") {
		u.remove.WriteString(", ")
	}
	u.remove.WriteString(path)
}

func (u *update) setText(a attribute, s string) error {
	if s == "" {
		return u.drop(a)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not valid UTF-8", name(a)) // and would arrive as something else
	}
	u.size(len(s))
	return u.to(a, u.expression.text(s))
}

func (u *update) setNonce(nonce string) error {
	switch len(nonce) {
	case 0:
		return u.drop(aNonce)
	case nonceBytes:
		return u.to(aNonce, u.expression.bytes(nonce))
	}
	return fmt.Errorf("a nonce has %d bytes, not %d", nonceBytes, len(nonce))
}

func (u *update) setNumber(a attribute, n int64) error {
	switch {
	case n < 0:
		return fmt.Errorf("%s is negative", name(a))
	case n == 0:
		return u.drop(a)
	}
	return u.to(a, u.number(n))
}

// setLease rounds up to milliseconds: an observer that counts a rounded down
// lease would end before what the holder believes.
func (u *update) setLease(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s is negative", name(aLease)) // also by less than is stored, which would be none
	}
	ms := d.Milliseconds()
	if time.Duration(ms)*time.Millisecond < d {
		ms++
	}
	if ms > maxLease {
		return fmt.Errorf("%s is too long", name(aLease)) // and could not be read again
	}
	return u.setNumber(aLease, ms)
}

// next adds one in the store, whatever is there by then.
func (u *update) next(a attribute, base int64) error {
	if base < 0 {
		return fmt.Errorf("%s is negative", name(a))
	}
	return u.to(a, "if_not_exists("+u.attr(a)+", "+u.number(base)+") + "+u.number(1))
}

func (u *update) setTime(a attribute, t time.Time, n int64) error {
	switch {
	case t.IsZero():
		return u.drop(a)
	case n < 0 || t.After(maxTime):
		return fmt.Errorf("%s lies outside the years 1970 to 9999", name(a)) // and could not be read again
	}
	return u.to(a, u.number(n))
}

func (u *update) setData(c lockstore.SetData) error {
	if c.Sealed {
		if err := u.to(aEnc, u.number(1)); err != nil {
			return err
		}
	} else if err := u.drop(aEnc); err != nil {
		return err
	}
	if c.Bytes == nil {
		return u.drop(aData)
	}
	u.size(len(c.Bytes))
	// A copy: the caller may go on with its bytes while a call that ended early
	// is still being put together.
	return u.to(aData, u.any(&types.AttributeValueMemberB{Value: append([]byte{}, c.Bytes...)}))
}

func (u *update) setLast(last lockstore.Last) error {
	if last == (lockstore.Last{}) {
		return u.drop(aLast)
	}
	m := make(map[string]types.AttributeValue, 3)
	switch len(last.Nonce) {
	case 0:
	case nonceBytes:
		m[lastNonce] = &types.AttributeValueMemberB{Value: []byte(last.Nonce)}
	default:
		return fmt.Errorf("a nonce has %d bytes, not %d", nonceBytes, len(last.Nonce))
	}
	if !utf8.ValidString(string(last.How)) || !utf8.ValidString(last.By) {
		return fmt.Errorf("%s is not valid UTF-8", name(aLast))
	}
	if last.How != "" {
		m[lastHow] = &types.AttributeValueMemberS{Value: string(last.How)}
	}
	if last.By != "" {
		m[lastBy] = &types.AttributeValueMemberS{Value: last.By}
	}
	u.size(len(last.By))
	return u.to(aLast, u.any(&types.AttributeValueMemberM{Value: m}))
}
