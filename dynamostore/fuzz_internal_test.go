package dynamostore

import (
	"encoding/binary"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A builder makes an item of any bytes: attributes by their number, with a
// value of any type, nested as deep as the bytes go.
type builder struct{ left []byte }

func (b *builder) byte() byte {
	if len(b.left) == 0 {
		return 0
	}
	c := b.left[0]
	b.left = b.left[1:]
	return c
}

func (b *builder) bytes() []byte {
	n := min(int(b.byte())%40, len(b.left))
	taken := b.left[:n]
	b.left = b.left[n:]
	return taken
}

func (b *builder) value(depth int) types.AttributeValue {
	switch kind := b.byte() % 13; kind {
	case 0:
		return &types.AttributeValueMemberS{Value: string(b.bytes())}
	case 1:
		return &types.AttributeValueMemberN{Value: string(b.bytes())}
	case 2:
		return &types.AttributeValueMemberB{Value: b.bytes()}
	case 3:
		return &types.AttributeValueMemberBOOL{Value: b.byte()%2 == 0}
	case 4:
		return &types.AttributeValueMemberNULL{Value: true}
	case 5, 6:
		if depth == 0 {
			return nil
		}
		l := &types.AttributeValueMemberL{}
		m := &types.AttributeValueMemberM{Value: item{}}
		for range b.byte() % 6 {
			name := []string{waiterID, waiterOwner, waiterHeld, waiterDel, lastNonce, lastHow, lastBy}[b.byte()%7]
			v := b.value(depth - 1)
			l.Value, m.Value[name] = append(l.Value, v), v
		}
		if kind == 5 {
			return l
		}
		return m
	case 7:
		return (*types.AttributeValueMemberS)(nil)
	case 8:
		return (*types.AttributeValueMemberM)(nil)
	case 9:
		return (*types.AttributeValueMemberN)(nil)
	case 10:
		return &types.UnknownUnionMember{Tag: "X"}
	case 11: // the numbers that matter
		n := int64(binary.LittleEndian.Uint64(append(b.bytes(), make([]byte, 8)...)))
		return u64(n)
	}
	return nil
}

func u64(n int64) types.AttributeValue {
	e := newExpression(&Store{})
	e.number(n)
	return e.values[0].is
}

func (b *builder) item() item {
	it := item{}
	for len(b.left) > 0 {
		a := attribute(b.byte()) % (aPartition + 1)
		if a == aPartition {
			it["a user's own"] = b.value(3)
			continue
		}
		it[name(a)] = b.value(3)
	}
	return it
}

// Whatever is in an item, reading it gives a record that keeps its promises,
// or an error that names an attribute.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{byte(aOwner), 0, 1, 'o'})
	f.Add([]byte{byte(aOwner), 0, 1, 'o', byte(aLease), 1, 2, '-', '1'})
	f.Add([]byte{byte(aOwner), 0, 1, 'o', byte(aLease), 11, 8, 0, 0, 0, 0, 0, 0, 0, 0x80})
	f.Add([]byte("\x06\x02\x100123456789abcdef\x07\x01\x017\x0c\x05\x01\x00\x00\x00"))
	f.Add([]byte{byte(aNonce), 2, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, byte(aQueue), 5, 1, 0, 6, 1, 0, 2, 16})
	f.Add([]byte{byte(aQueue), 7, byte(aLast), 8, byte(aNonce), 10, byte(aExpires), 9, byte(aData), 12})
	f.Fuzz(func(t *testing.T, program []byte) {
		it := (&builder{program}).item()
		r, err := decode(it)
		again, _ := decode(it)
		if !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v at first, then %+v", r, again)
		}
		switch {
		case len(it) == 0:
			if r != nil || err != nil {
				t.Fatalf("no item gave %+v, %v", r, err)
			}
		case err != nil:
			wantMalformed(t, err)
			if r != nil {
				t.Fatalf("%+v and %v", r, err)
			}
		default:
			if r.DataErr != nil {
				wantMalformed(t, r.DataErr)
			}
			checkRecord(t, r)
		}
	})
}

func wantMalformed(t *testing.T, err error) {
	t.Helper()
	m, ok := errors.AsType[*malformedError](err)
	if !ok || !errors.Is(err, lockstore.ErrMalformed) || !Reserved(m.attribute) || len(err.Error()) > 100 {
		t.Fatalf("got %v", err)
	}
}

func checkRecord(t *testing.T, r *lockstore.Record) {
	t.Helper()
	if r.Lease < 0 || r.Token < 0 || r.Seq < 0 || r.Revoked < 0 || r.Lease%time.Millisecond != 0 ||
		r.Nonce != "" && len(r.Nonce) != nonceBytes || r.DataErr != nil && r.Data != nil || r.Last != nil && *r.Last == (lockstore.Last{}) {
		t.Fatalf("%+v", r)
	}
	for _, at := range []time.Time{r.Since, r.Expires, r.TTL, r.Hold} {
		if !at.IsZero() && (at.Year() < 1970 || at.After(maxTime) || at.Location() != time.UTC) {
			t.Fatalf("%v", at)
		}
	}
	for _, w := range r.Queue {
		if len(w.ID) != nonceBytes {
			t.Fatalf("%+v", w)
		}
	}
}

// A date is read in one form only, and stands for the second that it names.
func FuzzDate(f *testing.F) {
	for _, text := range []string{
		"", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:60 GMT",
		"Sun, 06 Nov 1994 08:49:37 PST", "Sun,  6 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
	} {
		f.Add(text, "")
		f.Add(text, "0")
	}
	f.Fuzz(func(t *testing.T, date, age string) {
		header := http.Header{"Date": {date}}
		if age != "" {
			header.Set("Age", age)
		}
		b := readDate(header)
		switch {
		case !b.Known():
			if b != (lockstore.TimeBounds{}) {
				t.Fatalf("%q: %v", date, b)
			}
		case age != "", b.Latest.Sub(b.Earliest) != time.Second, b.Earliest.Format(http.TimeFormat) != date, b.Earliest.Unix() <= 0:
			t.Fatalf("%q, age %q: %v", date, age, b)
		}
	})
}

// A token is refused or names the keys from which the scan goes on; whatever
// ends a page comes back as the keys it was.
func FuzzPageToken(f *testing.F) {
	for _, token := range []string{"", "x", "====", "MTpr", "MTprcw", "MjprcwAA", "LTE6aw", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6aw", "MTrDqQ"} {
		f.Add(token, "k", "s")
	}
	f.Add("", "a:b", "1:2")
	f.Add("", "\xff", "\xff")
	f.Fuzz(func(t *testing.T, token, partition, sort string) {
		for _, s := range []*Store{{partition: "pk"}, {partition: "pk", sort: "sk"}} {
			keys := len(s.key("k"))
			if start, err := s.startKey(token); err == nil && token != "" {
				if len(start) != keys {
					t.Fatalf("%q gave %v", token, start)
				}
				backAndForth(t, s, start)
			}
			if partition == "" || sort == "" || strings.ToValidUTF8(partition+"|"+sort, "") != partition+"|"+sort {
				continue
			}
			last := item{"pk": &types.AttributeValueMemberS{Value: partition}}
			if s.sort != "" {
				last["sk"] = &types.AttributeValueMemberS{Value: sort}
			}
			backAndForth(t, s, last)
		}
	})
}

func backAndForth(t *testing.T, s *Store, last item) {
	t.Helper()
	token, err := s.next(last)
	if err != nil || token == "" {
		t.Fatalf("%v gave %q, %v", last, token, err)
	}
	if start, err := s.startKey(token); err != nil || !reflect.DeepEqual(start, last) {
		t.Fatalf("%v came back as %v, %v", last, start, err)
	}
}
