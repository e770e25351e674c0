package dynamostore

import (
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// whole gives the changes that make a record anew, one write after the other:
// a write changes an attribute once, so each waiter takes one of its own.
func whole(r *lockstore.Record) [][]lockstore.Change {
	first := []lockstore.Change{
		lockstore.SetOwner(r.Owner), lockstore.SetNonce(r.Nonce), lockstore.SetToken(r.Token), lockstore.SetSeq(r.Seq),
		lockstore.SetSince(r.Since), lockstore.SetLease(r.Lease), lockstore.SetExpires(r.Expires), lockstore.SetTTL(r.TTL),
		lockstore.SetReleased(r.Released), lockstore.SetDeleteOnRelease(r.DeleteOnRelease), lockstore.SetHold(r.Hold),
		lockstore.SetEnded(r.Ended), lockstore.SetSession(r.Session), lockstore.SetData{Bytes: r.Data, Sealed: r.Sealed},
	}
	if r.Last != nil {
		first = append(first, lockstore.SetLast(*r.Last))
	}
	if r.Queue != nil {
		first = append(first, lockstore.KeepQueue{})
	}
	writes := [][]lockstore.Change{first}
	for _, w := range r.Queue {
		writes = append(writes, []lockstore.Change{lockstore.AddWaiter(w)})
	}
	return writes
}

// The forms that such writes have in a SET clause.
var assignment = regexp.MustCompile(`^(?:, )?(#\w\w) = (?:(:\d+)|if_not_exists\(#qu, (:\d+)\)|list_append\(if_not_exists\(#qu, (:\d+)\), (:\d+)\))`)

// carryOut does to an item what DynamoDB does with an update of those forms.
func carryOut(t *testing.T, it item, changes []lockstore.Change) error {
	t.Helper()
	s := &Store{partition: "pk"}
	e := newExpression(s)
	u := update{expression: e}
	text, err := u.text(changes)
	if err != nil {
		return err
	}
	names, values := e.names(), e.valueMap()
	set, remove, _ := strings.Cut(strings.TrimPrefix(text, "SET "), " REMOVE ")
	for set != "" {
		m := assignment.FindStringSubmatch(set)
		if m == nil {
			t.Fatalf("what is %q of %q?", set, text)
		}
		set = set[len(m[0]):]
		v := values[m[2]+m[3]]
		if queue, there := it[names["#qu"]]; there && m[3] != "" {
			v = queue
		}
		if m[4] != "" {
			before, there := it[names["#qu"]].(*types.AttributeValueMemberL)
			if !there {
				before = values[m[4]].(*types.AttributeValueMemberL)
			}
			more := values[m[5]].(*types.AttributeValueMemberL)
			v = &types.AttributeValueMemberL{Value: append(before.Value[:len(before.Value):len(before.Value)], more.Value...)}
		}
		if v == nil || names[m[1]] == "" {
			t.Fatalf("%q has no value or name in %v, %v", m[0], names, values)
		}
		it[names[m[1]]] = v
	}
	if remove != "" {
		for place := range strings.SplitSeq(remove, ", ") {
			delete(it, names[place])
		}
	}
	return nil
}

// What was read is written as something that reads the same, whatever other
// forms the item had it in; what cannot be written is refused by name.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{byte(aOwner), 0, 1, 'o'})
	f.Add([]byte{byte(aOwner), 0, 0, byte(aData), 0, 3, 'a', 'b', 'c', byte(aEnc), 1, 1, '1'})
	f.Add([]byte{byte(aOwner), 0, 1, 'o', byte(aLease), 1, 2, '2', '1', byte(aToken), 1, 3, '0', '0', '7', byte(aExpires), 1, 1, '0'})
	f.Add([]byte{byte(aOwner), 0, 1, 'o', byte(aQueue), 5, 0, byte(aLast), 6, 0, byte(aEnded), 3, 0, byte(aHold), 1, 1, '9'})
	f.Add([]byte{byte(aOwner), 0, 1, 'o', byte(aIsReleased), 3, 0, byte(aSession), 0, 1, 's', byte(aTTL), 1, 3, '1', '.', '5'})
	waiter := append([]byte{byte(aOwner), 0, 1, 'o', byte(aQueue), 5, 2, 0, 6, 4, 0, 2, 16}, "0123456789abcdef\x01\x00\x01w\x02\x03\x01\x03\x03\x00"...)
	f.Add(waiter)
	f.Fuzz(func(t *testing.T, program []byte) {
		r, err := decode((&builder{program}).item())
		if err != nil || r == nil || r.Owner == "" && r.Nonce == "" {
			return // the last is an early version's, which no write leaves as it is
		}
		r.Revoked, r.DataErr = 0, nil // counted in the store alone; not to be written
		it := item{}
		for _, changes := range whole(r) {
			if err := carryOut(t, it, changes); err != nil {
				wantUnfit(t, r, err)
				return
			}
		}
		again, err := decode(it)
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("written as %v\ngot  %+v, %v\nwant %+v", it, again, err, r)
		}
	})
}

// wantUnfit checks that a record was refused for a reason.
func wantUnfit(t *testing.T, r *lockstore.Record, err error) {
	t.Helper()
	texts := []string{r.Owner, r.Session}
	if r.Last != nil {
		texts = append(texts, string(r.Last.How), r.Last.By)
	}
	for _, w := range r.Queue {
		if texts = append(texts, w.Owner); w.Owner == "" {
			return
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return
		}
	}
	t.Fatalf("%+v is refused: %v", r, err)
}

// Any record that the client can ask for is stored, and read as lockstore says.
func FuzzRecord(f *testing.F) {
	f.Add("owner", "session", "by", []byte("0123456789abcdef"), []byte("data"), int64(1), int64(2), int64(time.Second), int64(1e12), uint8(0))
	f.Add("", "", "", []byte(nil), []byte(nil), int64(0), int64(0), int64(1), int64(-1), uint8(0xff))
	f.Add("é\x00", "\xff", "\u2028", []byte("0123456789abcde"), []byte{}, int64(-1), int64(1<<62), int64(1<<62+1), int64(253402300800), uint8(0x55))
	f.Fuzz(func(t *testing.T, owner, session, by string, nonce, data []byte, token, seq, lease, at int64, flags uint8) {
		is := func(bit uint8) bool { return flags&(1<<bit) != 0 }
		when := time.Unix(at, int64(flags)*1e6)
		w := lockstore.Write{Do: []lockstore.Change{
			lockstore.SetOwner(owner), lockstore.SetNonce(nonce), lockstore.SetToken(token), lockstore.SetSeq(seq), lockstore.SetLease(lease),
			lockstore.SetExpires(when), lockstore.SetTTL(when), lockstore.SetSince(when), lockstore.SetHold(when), lockstore.SetReleased(is(0)),
			lockstore.SetDeleteOnRelease(is(1)), lockstore.SetEnded(is(2)), lockstore.SetSession(session),
			lockstore.SetData{Bytes: data, Sealed: is(3)}, lockstore.SetLast{Nonce: lockstore.Nonce(nonce), How: lockstore.HowForced, By: by},
		}}
		it := item{}
		if err := carryOut(t, it, w.Do); err != nil {
			if len(it) != 0 || len(err.Error()) > 60 {
				t.Fatalf("%v, %v", it, err)
			}
			return
		}
		got, err := decode(it)
		if m, ok := errors.AsType[*malformedError](err); ok && owner == "" && len(nonce) == 0 && m.attribute == name(aOwner) {
			return // what no client writes: neither owner nor nonce
		}
		want, applied := w.Apply(nil)
		if err != nil || applied != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("written as %v\ngot  %+v, %v\nwant %+v, %v", it, got, err, want, applied)
		}
	})
}

// Whatever a constraint's message quotes of the request is cut out of it.
func FuzzQuotedValues(f *testing.F) {
	f.Add("1 validation error detected: ", "{:0={B: xyz}}", " failed to satisfy constraint: ", "")
	f.Add("", "' at 'x", "", "' at '")
	f.Add("Value '", "Value '", "Value '", "Value '")
	f.Fuzz(func(t *testing.T, before, around, after, end string) {
		const data = "DATA\x00DATA"
		for _, s := range []string{before, around, after, end} {
			if strings.ContainsAny(s, "\x00") {
				return
			}
		}
		messages := []string{
			before + "Value '" + around + data + around + "' at 'x'" + after + end,
			before + "Value '" + data + "' at '" + around + data + "' at 'x'" + after,
		}
		if !strings.Contains(before+around, "' at '") { // in a form that nobody knows yet
			messages = append(messages, before+"Value '"+around+data+end)
		}
		for _, message := range messages {
			if got := withoutValues(message); strings.Contains(got, data) || !strings.HasPrefix(got, before+"Value '") && !strings.Contains(before, "Value '") {
				t.Fatalf("%q became %q", message, got)
			}
		}
	})
}

// Each second has one date, which is read as that second and the next.
func FuzzSecond(f *testing.F) {
	for _, s := range []int64{1, 784111777, maxTime.Unix(), -1, 0, 951782400} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, second int64) {
		second = int64(uint64(second) % uint64(maxTime.Unix()))
		date := time.Unix(second, 0).UTC()
		b := readDate(map[string][]string{"Date": {date.Format("Mon, 02 Jan 2006 15:04:05 GMT")}})
		if want := (lockstore.TimeBounds{Earliest: date, Latest: date.Add(time.Second)}); second > 0 && b != want || second == 0 && b.Known() {
			t.Fatalf("%s: %v", strconv.FormatInt(second, 10), b)
		}
	})
}
