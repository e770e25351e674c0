package dynamostore

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// condition gives the ConditionExpression of c, empty where c always holds.
// Its cases have no parentheses, since AND binds closer than OR, and DynamoDB
// refuses doubled ones as redundant.
//
// It means what lockstore.Condition.Holds means on records, and on items that
// are none it rather fails: a negative test looks at the attribute's type too,
// because DynamoDB finds values of different types unequal and so would let a
// nonce of the wrong type pass for another tenure's. The failed condition then
// brings the item, whose reading says what is wrong with it.
func (e *expression) condition(c lockstore.Condition) (string, error) {
	var b strings.Builder
	b.Grow(512)
	always := len(c) == 0
	for i, tests := range c {
		if i > 0 {
			b.WriteString(" OR ")
		}
		for j, test := range tests {
			if j > 0 {
				b.WriteString(" AND ")
			}
			if err := e.test(&b, test); err != nil {
				return "", err
			}
		}
		always = always || len(tests) == 0
	}
	if always {
		// What the other cases mentioned must not be left behind.
		*e = *newExpression(e.s)
		return "", nil
	}
	return b.String(), nil
}

func (e *expression) test(b *strings.Builder, test lockstore.Test) error {
	switch t := test.(type) {
	case lockstore.Absent:
		e.isAbsent(b, aPartition)
	case lockstore.Exists:
		e.exists(b)
	case lockstore.NonceIs:
		is(e, b, aNonce, string(t), e.bytes)
	case lockstore.NonceNot:
		e.nonceNot(b, string(t))
	case lockstore.NoNonce:
		e.isAbsent(b, aNonce)
	case lockstore.SeqIs:
		is(e, b, aSeq, int64(t), e.number)
	case lockstore.TokenIs:
		is(e, b, aToken, int64(t), e.number)
	case lockstore.NoToken:
		e.isAbsent(b, aToken)
	case lockstore.OwnerIs:
		is(e, b, aOwner, storable(string(t)), e.text)
	case lockstore.Released:
		join(b, e.attr(aIsReleased), " = ", e.bool(true))
	case lockstore.NotReleased:
		re := e.attr(aIsReleased)
		join(b, "(attribute_not_exists(", re, ") OR ", re, " = ", e.bool(false), ")")
	case lockstore.ExpiredBefore:
		join(b, e.attr(aLease), " > ", e.number(0), " AND ", e.attr(aExpires), " < ", e.number(ceilMillis(time.Time(t))))
	case lockstore.SessionIs:
		is(e, b, aSession, storable(string(t)), e.text)
	case lockstore.NoSession:
		e.isAbsent(b, aSession)
	case lockstore.NoWaiterAt, lockstore.WaiterAt, lockstore.NotQueued, lockstore.QueueSound:
		return e.queueTest(b, test)
	default:
		return fmt.Errorf("unknown test %T", test)
	}
	return nil
}

func (e *expression) queueTest(b *strings.Builder, test lockstore.Test) error {
	switch t := test.(type) {
	case lockstore.NoWaiterAt:
		if t < 0 {
			return fmt.Errorf("a queue has no place %d", int(t))
		}
		join(b, "attribute_not_exists(", e.attr(aQueue), "[", strconv.Itoa(int(t)), "])")
	case lockstore.WaiterAt:
		if t.Place < 0 {
			return fmt.Errorf("a queue has no place %d", t.Place)
		}
		e.withID = true
		join(b, e.attr(aQueue), "[", strconv.Itoa(t.Place), "].", placeholderID, " = ", e.bytes(string(t.ID)))
	case lockstore.NotQueued:
		e.notQueued(b, string(t))
	case lockstore.QueueSound:
		qu := e.attr(aQueue)
		join(b, "(attribute_not_exists(", qu, ") OR attribute_type(", qu, ", ", e.text("L"), "))")
	}
	return nil
}

// notQueued asks place by place: contains() is documented for lists of
// scalars only.
func (e *expression) notQueued(b *strings.Builder, id string) {
	qu, is := e.attr(aQueue), e.bytes(id)
	e.withID = true
	for i := range lockstore.MaxQueue {
		if i > 0 {
			b.WriteString(" AND ")
		}
		place := qu + "[" + strconv.Itoa(i) + "]"
		join(b, "(attribute_not_exists(", place, ") OR ", place, ".", placeholderID, " <> ", is, ")")
	}
}

// is compares an attribute with a value. Zero stands for what is not there, so
// it equals nothing; the operand is called only where its value is used.
func is[T comparable](e *expression, b *strings.Builder, a attribute, v T, operand func(T) string) {
	var zero T
	if v == zero {
		e.never(b)
		return
	}
	join(b, e.attr(a), " = ", operand(v))
}

// storable gives nothing for text that is not stored: JSON would replace what
// is not UTF-8, and so make it equal to another text.
func storable(s string) string {
	if !utf8.ValidString(s) {
		return ""
	}
	return s
}

// nonceNot spells out that an absent nonce is another one. DynamoDB's <> says
// so by itself, but not every engine that speaks its protocol may.
func (e *expression) nonceNot(b *strings.Builder, nonce string) {
	no := e.attr(aNonce)
	if nonce == "" {
		join(b, "attribute_type(", no, ", ", e.text("B"), ")")
		return
	}
	join(b, "(attribute_not_exists(", no, ") OR attribute_type(", no, ", ", e.text("B"), ") AND ",
		no, " <> ", e.bytes(nonce), ")")
}

func (e *expression) exists(b *strings.Builder) {
	join(b, "attribute_exists(", e.attr(aPartition), ")")
}

func (e *expression) isAbsent(b *strings.Builder, a attribute) {
	join(b, "attribute_not_exists(", e.attr(a), ")")
}

// never is false for every item and for none.
func (e *expression) never(b *strings.Builder) {
	e.exists(b)
	b.WriteString(" AND ")
	e.isAbsent(b, aPartition)
}

// ceilMillis rounds up: a stored expires has whole milliseconds, and such a
// number is before t exactly if it is below t rounded up.
func ceilMillis(t time.Time) int64 {
	switch year := t.Year(); { // UnixMilli is undefined far out
	case year < -100_000:
		return math.MinInt64 / 2
	case year > 100_000:
		return math.MaxInt64 / 2
	}
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}
