package dynamostore_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Items as early versions wrote them: no nonce, and data as text or bytes.
func TestLegacyItems(t *testing.T) {
	r := newRig(t)
	since := time.Unix(1_700_000_000, 0).UTC()
	for name, tt := range map[string]struct {
		item attributes
		want lockstore.Record
	}{
		"held": {
			attributes{"owner": text("o"), "timestamp": number("1700000000"), "ttl": number("1700086400"),
				"deleteOnRelease": boolean(false), "isReleased": boolean(false), "data": text("payload")},
			lockstore.Record{Owner: "o", Since: since, TTL: since.Add(24 * time.Hour), Data: []byte("payload")},
		},
		"released": {
			attributes{"owner": text("o"), "timestamp": number("1700000000"), "deleteOnRelease": boolean(true),
				"isReleased": boolean(true), "data": binary("\x00\xff")},
			lockstore.Record{Owner: "o", Since: since, Released: true, DeleteOnRelease: true, Data: []byte("\x00\xff")},
		},
		"no data":                {attributes{"owner": text("o"), "data": &types.AttributeValueMemberNULL{Value: true}}, lockstore.Record{Owner: "o"}},
		"empty data":             {attributes{"owner": text("o"), "data": text("")}, lockstore.Record{Owner: "o", Data: []byte{}}},
		"empty owner":            {attributes{"owner": text("")}, lockstore.Record{}},
		"times in milliseconds":  {attributes{"owner": text("o"), "timestamp": number("1700000000000"), "ttl": number("1700086400000")}, lockstore.Record{Owner: "o"}},
		"times with fractions":   {attributes{"owner": text("o"), "timestamp": number("1700000000.25"), "ttl": number("-1")}, lockstore.Record{Owner: "o"}},
		"a user's own are there": {attributes{"owner": text("o"), "Nonce": number("1"), "mine": list()}, lockstore.Record{Owner: "o"}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.item["key"] = text(name)
			r.put(tt.item)
			res, err := r.store.Get(t.Context(), name, lockstore.Consistent)
			if err != nil || !reflect.DeepEqual(res.Record, &tt.want) || !res.Record.Legacy() {
				t.Errorf("got  %+v, %v\nwant %+v", res.Record, err, tt.want)
			}
		})
	}
}

// good is an item with every attribute, to be spoilt one at a time.
func good() attributes {
	return encode("", &lockstore.Record{
		Owner: "o", Nonce: nonce1, Token: 7, Seq: 3, Since: time.Unix(5, 0), Lease: time.Second, Expires: time.Unix(6, 0),
		TTL: time.Unix(7, 0), Released: true, DeleteOnRelease: true, Hold: time.Unix(8, 0), Ended: true, Session: "s",
		Queue: []lockstore.Waiter{{ID: nonce2, Owner: "w"}}, Last: &lockstore.Last{Nonce: nonce2, How: "released", By: "o"}, Revoked: 2,
	})
}

// oneOfEach is a value of each type, with something in it that no error may
// show.
func oneOfEach() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"S": text(secretData), "N": number("424242"), "B": binary(secretData), "BOOL": boolean(true),
		"NULL": &types.AttributeValueMemberNULL{Value: true}, "L": list(text(secretData)), "M": object(attributes{secretData: text(secretData)}),
		"SS": &types.AttributeValueMemberSS{Value: []string{secretData}}, "NS": &types.AttributeValueMemberNS{Value: []string{"424242"}},
		"BS": &types.AttributeValueMemberBS{Value: [][]byte{[]byte(secretData)}},
	}
}

// spoilt lists every attribute with every type that it has not, and values
// that no version wrote.
func spoilt() map[string]attributes {
	cases := map[string]attributes{}
	spoil := func(label, attribute string, v types.AttributeValue) {
		it := good()
		it[attribute] = v
		cases[attribute+" "+label] = it
	}
	for attribute, as := range map[string]string{
		"owner": "S", "session": "S", "nonce": "B", "token": "N", "seq": "N", "lease": "N", "expires": "N", "hold": "N", "revoked": "N",
		"timestamp": "N", "ttl": "N", "isReleased": "BOOL", "deleteOnRelease": "BOOL", "ended": "BOOL", "queue": "L", "last": "M",
	} {
		for other, v := range oneOfEach() {
			if other != as {
				spoil("of type "+other, attribute, v)
			}
		}
	}
	for _, attribute := range []string{"token", "seq", "lease", "expires", "hold", "revoked"} {
		for _, n := range []string{"-1", "-424242", "1.5", "424242000000000000000", "1e60"} {
			spoil("of "+n, attribute, number(n))
		}
	}
	spoil("of 0", "token", number("0"))
	spoil("over 292 years", "lease", number("9223372036855"))
	spoil("after year 9999", "expires", number("253402300800000"))
	spoil("after year 9999", "hold", number("253402300800000"))
	spoil("empty", "session", text(""))
	spoil("of 15 bytes", "nonce", binary(secretData+"12345"))
	spoil("of 17 bytes", "nonce", binary(secretData+"1234567"))
	spoil("empty", "nonce", binary(""))
	spoilQueue(spoil)
	for inside, v := range map[string]types.AttributeValue{"nonce": binary(secretData), "how": number("1"), "by": binary(secretData)} {
		spoil("with a bad "+inside, "last", object(attributes{inside: v}))
	}
	it := good()
	delete(it, "nonce")
	delete(it, "owner")
	cases["owner and nonce missing"] = it
	return cases
}

func spoilQueue(spoil func(label, attribute string, v types.AttributeValue)) {
	entry := func() attributes {
		return attributes{"id": binary(string(nonce1)), "owner": text("w"), "held": boolean(false), "n": number("1"), "del": boolean(true)}
	}
	for inside, v := range map[string]types.AttributeValue{
		"id": binary(secretData), "owner": binary(secretData), "held": boolean(true), "del": text(secretData),
	} {
		bad := entry()
		bad[inside] = v
		spoil("with a bad "+inside, "queue", list(object(entry()), object(bad)))
		if inside == "del" {
			continue // may be missing
		}
		without := entry()
		delete(without, inside)
		spoil("without "+inside, "queue", list(object(without)))
	}
	spoil("of numbers", "queue", list(number("424242")))
}

// What something else wrote is an error of its own on every way of reading,
// which names the attribute and shows no value: rather no lock than a wrong
// reading of one.
func TestMalformedItems(t *testing.T) {
	r := newRig(t)
	cases := spoilt()
	for label, it := range cases {
		it["key"] = text(label)
		r.put(it)
	}
	r.put(merge(good(), attributes{"key": text("good")}))
	never := lockstore.All(lockstore.OwnerIs("nobody"))
	check := func(how, label string, err error) {
		t.Helper()
		e := storeError(t, err, lockstore.ErrMalformed)
		attribute, _, _ := strings.Cut(label, " ")
		if !strings.Contains(err.Error(), "attribute "+attribute+" ") {
			t.Errorf("%s %s: %v does not name it", how, label, err)
		}
		if strings.Contains(err.Error(), secretData) || strings.Contains(err.Error(), "424242") {
			t.Errorf("%s %s: %v shows a value", how, label, err)
		}
		if e.Unknown {
			t.Errorf("%s %s: %v leaves open whether it was applied", how, label, err)
		}
	}
	for label := range cases {
		_, err := r.store.Get(t.Context(), label, lockstore.Consistent)
		check("get", label, err)
		_, err = r.store.Write(t.Context(), label, lockstore.Write{If: never, Do: []lockstore.Change{lockstore.SetSeq(1)}})
		check("update", label, err)
		_, err = r.store.Write(t.Context(), label, lockstore.Write{If: never, Delete: true})
		check("delete", label, err)
	}
	page, err := r.store.Scan(t.Context(), lockstore.Query{})
	if err != nil || len(page.Items) != len(cases)+1 || page.Next != "" {
		t.Fatalf("%d items, %v; want %d", len(page.Items), err, len(cases)+1)
	}
	for _, item := range page.Items {
		if item.Key == "good" {
			if item.Err != nil || item.Record == nil {
				t.Errorf("the good one: %v", item.Err)
			}
			continue
		}
		check("scan", item.Key, item.Err)
		if item.Record != nil {
			t.Errorf("scan %s: a record and an error", item.Key)
		}
	}
}

func merge(a, b attributes) attributes {
	maps.Copy(a, b)
	return a
}

// Data that cannot be read keeps nobody from releasing the lock.
func TestMalformedData(t *testing.T) {
	r := newRig(t)
	bad := map[string]attributes{}
	for as, v := range oneOfEach() {
		if !slices.Contains([]string{"S", "B", "NULL"}, as) {
			bad["data "+as] = attributes{"data": v}
		}
		if as != "N" {
			bad["enc "+as] = attributes{"enc": v, "data": text(secretData)}
		}
	}
	bad["enc 2"] = attributes{"enc": number("2"), "data": text(secretData)}
	for label, it := range bad {
		r.put(merge(merge(good(), it), attributes{"key": text(label)}))
		res, err := r.store.Get(t.Context(), label, lockstore.Consistent)
		if err != nil {
			t.Errorf("%s: %v", label, err)
			continue
		}
		attribute, _, _ := strings.Cut(label, " ")
		rec := res.Record
		if !errors.Is(rec.DataErr, lockstore.ErrMalformed) || rec.Data != nil || rec.Nonce != nonce1 ||
			!strings.Contains(rec.DataErr.Error(), attribute) || strings.Contains(rec.DataErr.Error(), secretData) {
			t.Errorf("%s: %+v", label, rec)
		}
	}
}

// A write that was applied to a malformed item says both.
func TestAppliedToMalformedItem(t *testing.T) {
	r := newRig(t)
	r.put(merge(good(), attributes{"key": text("k"), "session": number("1")}))
	res, err := r.store.Write(t.Context(), "k", lockstore.Write{Do: []lockstore.Change{lockstore.SetSeq(9)}})
	if e := storeError(t, err, lockstore.ErrMalformed); !e.Unknown || !res.Applied || res.Record != nil {
		t.Errorf("got %+v, %+v", res, e)
	}
	if got := r.item("k")["seq"]; !reflect.DeepEqual(got, number("9")) {
		t.Errorf("seq is %v", got)
	}
}

// On a malformed item a condition rather fails: a nonce of the wrong type is
// not just another one.
func TestConditionsOnMalformedItems(t *testing.T) {
	r := newRig(t)
	for i, tt := range []struct {
		bad  attributes
		test lockstore.Test
	}{
		{attributes{"nonce": text("0123456789abcdef")}, lockstore.NonceNot(nonce1)},
		{attributes{"nonce": text("0123456789abcdef")}, lockstore.NonceNot("")},
		{attributes{"nonce": text("0123456789abcdef")}, lockstore.NonceIs(nonce2)},
		{attributes{"nonce": number("1")}, lockstore.NoNonce{}},
		{attributes{"isReleased": text("1")}, lockstore.Released{}},
		{attributes{"isReleased": text("false")}, lockstore.NotReleased{}},
		{attributes{"seq": text("3")}, lockstore.SeqIs(3)},
		{attributes{"token": text("7")}, lockstore.TokenIs(7)},
		{attributes{"token": text("7")}, lockstore.NoToken{}},
		{attributes{"expires": text("0")}, lockstore.ExpiredBefore(time.Now())},
		{attributes{"lease": text("1000")}, lockstore.ExpiredBefore(time.Now())},
		{attributes{"lease": number("-1")}, lockstore.ExpiredBefore(time.Now())},
		{attributes{"session": number("1")}, lockstore.NoSession{}},
		{attributes{"queue": text("")}, lockstore.QueueSound{}},
		{attributes{"queue": list(text("w"))}, lockstore.NoWaiterAt(0)},
		{attributes{"queue": list(text("w"))}, lockstore.WaiterAt{Place: 0, ID: nonce2}},
	} {
		key := fmt.Sprint("k", i)
		it := merge(merge(good(), tt.bad), attributes{"key": text(key)})
		r.put(it)
		_, err := r.store.Write(t.Context(), key, lockstore.Write{If: lockstore.All(tt.test), Delete: true})
		storeError(t, err, lockstore.ErrMalformed)
		if !reflect.DeepEqual(r.item(key), it) {
			t.Errorf("%T held on %v", tt.test, tt.bad)
		}
	}
	// Arithmetic on what is no number is refused by the engine itself.
	r.put(merge(good(), attributes{"key": text("sum"), "token": text("7")}))
	_, err := r.store.Write(t.Context(), "sum", lockstore.Write{Do: []lockstore.Change{lockstore.NextToken(1)}})
	if e := storeError(t, err, lockstore.ErrMalformed); e.Unknown {
		t.Error(err)
	}
}
