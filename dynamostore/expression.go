package dynamostore

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An expression collects what one write says: the texts, and the names and
// values that they mention. DynamoDB refuses names and values that no text
// mentions (Developer Guide, "Expression attribute names"), so both come into
// being when a text uses them.
type expression struct {
	s      *Store
	used   uint32 // attributes by bit, for the names
	withID bool   // queue[i].id was mentioned
	passes bool   // the other parts of queue[0] were
	values []value
}

type value struct {
	kind byte // N, S, B, T (true), F (false), L (empty list), X (not shared)
	text string
	is   types.AttributeValue
}

// valueNames are made once: a write has about a dozen values.
var valueNames = func() (names [32]string) {
	for i := range names {
		names[i] = ":" + strconv.Itoa(i)
	}
	return
}()

func newExpression(s *Store) *expression {
	return &expression{s: s, values: make([]value, 0, 16)}
}

func (e *expression) attr(a attribute) string {
	e.used |= 1 << a
	return placeholders[a]
}

// add gives the value's placeholder, the one that it has already where the
// same value was used before.
func (e *expression) add(kind byte, text string, is func() types.AttributeValue) string {
	if kind != 'X' {
		for i := range e.values {
			if e.values[i].kind == kind && e.values[i].text == text {
				return valueName(i)
			}
		}
	}
	e.values = append(e.values, value{kind, text, is()})
	return valueName(len(e.values) - 1)
}

func valueName(i int) string {
	if i < len(valueNames) {
		return valueNames[i]
	}
	return ":" + strconv.Itoa(i)
}

func (e *expression) number(n int64) string {
	text := strconv.FormatInt(n, 10)
	return e.add('N', text, func() types.AttributeValue { return &types.AttributeValueMemberN{Value: text} })
}

func (e *expression) text(s string) string {
	return e.add('S', s, func() types.AttributeValue { return &types.AttributeValueMemberS{Value: s} })
}

func (e *expression) bytes(s string) string {
	return e.add('B', s, func() types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(s)} })
}

func (e *expression) bool(b bool) string {
	kind := byte('F')
	if b {
		kind = 'T'
	}
	return e.add(kind, "", func() types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} })
}

func (e *expression) emptyList() string {
	return e.add('L', "", func() types.AttributeValue {
		return &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	})
}

func (e *expression) any(v types.AttributeValue) string {
	return e.add('X', "", func() types.AttributeValue { return v })
}

func (e *expression) names() map[string]string {
	if e.used == 0 {
		return nil
	}
	names := make(map[string]string, 16)
	for a := range attributes {
		if e.used&(1<<a) == 0 {
			continue
		}
		switch a {
		case aPartition:
			names[placeholders[a]] = e.s.partition
		case aSort:
			names[placeholders[a]] = e.s.sort
		default:
			names[placeholders[a]] = attributeNames[a]
		}
	}
	if e.withID {
		names[placeholderID] = waiterID
	}
	if e.passes {
		names["#qo"], names["#qh"], names["#qd"], names["#qn"] = waiterOwner, waiterHeld, waiterDel, waiterOne
	}
	return names
}

func (e *expression) valueMap() map[string]types.AttributeValue {
	if len(e.values) == 0 {
		return nil
	}
	m := make(map[string]types.AttributeValue, len(e.values))
	for i, v := range e.values {
		m[valueName(i)] = v.is
	}
	return m
}

// join writes the parts one after the other.
func join(b *strings.Builder, parts ...string) {
	for _, p := range parts {
		b.WriteString(p)
	}
}
