package storetest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Nonces are raw bytes: none of these is text.
const (
	nonce1 = lockstore.Nonce("\x00\x01\x02\x03\x04\x05\x06\x07\x80\xff\xfe\xfd\xfc\xfb\xfa\x00")
	nonce2 = lockstore.Nonce("\x00\x01\x02\x03\x04\x05\x06\x07\x80\xff\xfe\xfd\xfc\xfb\xfa\x01")
	nonce3 = lockstore.Nonce("0123456789abcdef")
)

// second is a time with nothing below the second, milli one with something.
var (
	second = time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	milli  = second.Add(789 * time.Millisecond)
)

// base is a local clock in µs, as clients give it to NextToken.
const base = 1_900_000_000_000_000

// full returns changes that set everything, and what comes of them.
func full() ([]lockstore.Change, *lockstore.Record) {
	last := lockstore.Last{Nonce: nonce2, How: lockstore.HowTakenOver, By: "winner"}
	return []lockstore.Change{
			lockstore.SetOwner("holder"), lockstore.SetNonce(nonce1), lockstore.NextToken(base), lockstore.SetSeq(3),
			lockstore.SetSince(second), lockstore.SetLease(90_500 * time.Millisecond), lockstore.SetExpires(milli),
			lockstore.SetTTL(second.Add(time.Hour)), lockstore.SetReleased(false), lockstore.SetDeleteOnRelease(true),
			lockstore.SetHold(milli.Add(time.Millisecond)), lockstore.SetEnded(true),
			lockstore.SetData{Bytes: []byte("payload"), Sealed: true}, lockstore.SetSession("session"),
			lockstore.SetLast(last), lockstore.KeepQueue{},
		}, &lockstore.Record{
			Owner: "holder", Nonce: nonce1, Token: base + 1, Seq: 3,
			Since: second, Lease: 90_500 * time.Millisecond, Expires: milli, TTL: second.Add(time.Hour),
			DeleteOnRelease: true, Hold: milli.Add(time.Millisecond), Ended: true,
			Data: []byte("payload"), Sealed: true, Session: "session", Last: &last, Queue: []lockstore.Waiter{},
		}
}

// minimal returns changes for as little as a tenure can be.
func minimal() ([]lockstore.Change, *lockstore.Record) {
	return []lockstore.Change{lockstore.SetOwner("holder"), lockstore.SetNonce(nonce1), lockstore.SetSeq(1)},
		&lockstore.Record{Owner: "holder", Nonce: nonce1, Seq: 1}
}

// diff tells how two records differ, or nothing. An absent queue and an empty
// one are the same to every condition, and so here; absent data and empty data
// are not.
func diff(got, want *lockstore.Record) string {
	if got == nil || want == nil {
		if got == want {
			return ""
		}
		return fmt.Sprintf("got %s, want %s", show(got), show(want))
	}
	var d []string
	check := func(name string, same bool, got, want any) {
		if !same {
			d = append(d, fmt.Sprintf("%s is %s, want %s", name, value(got), value(want)))
		}
	}
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"Owner", got.Owner, want.Owner}, {"Nonce", got.Nonce, want.Nonce}, {"Token", got.Token, want.Token},
		{"Seq", got.Seq, want.Seq}, {"Lease", got.Lease, want.Lease}, {"Released", got.Released, want.Released},
		{"DeleteOnRelease", got.DeleteOnRelease, want.DeleteOnRelease}, {"Ended", got.Ended, want.Ended},
		{"Sealed", got.Sealed, want.Sealed}, {"DataErr", got.DataErr, want.DataErr},
		{"Session", got.Session, want.Session}, {"Revoked", got.Revoked, want.Revoked},
	} {
		check(f.name, f.got == f.want, f.got, f.want)
	}
	for _, f := range []struct {
		name      string
		got, want time.Time
	}{{"Since", got.Since, want.Since}, {"Expires", got.Expires, want.Expires}, {"TTL", got.TTL, want.TTL}, {"Hold", got.Hold, want.Hold}} {
		check(f.name, f.got.Equal(f.want), f.got, f.want)
	}
	check("Queue", slices.Equal(got.Queue, want.Queue), got.Queue, want.Queue)
	check("Last", got.Last == want.Last || got.Last != nil && want.Last != nil && *got.Last == *want.Last, got.Last, want.Last)
	sameData := bytes.Equal(got.Data, want.Data) && (got.Data == nil) == (want.Data == nil)
	if !sameData {
		d = append(d, fmt.Sprintf("Data is %s, want %s", showData(got.Data), showData(want.Data)))
	}
	return strings.Join(d, "; ")
}

func show(r *lockstore.Record) string {
	if r == nil {
		return "no record"
	}
	return fmt.Sprintf("a record of %.40q (seq %d)", r.Owner, r.Seq)
}

func showData(b []byte) string {
	if b == nil {
		return "none"
	}
	return fmt.Sprintf("%d bytes %.20q", len(b), b)
}

// value shows one of the seam's values, on one line and in printable text:
// nonces are any bytes.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case *lockstore.Last:
		if v == nil {
			return "nil"
		}
		return value(*v)
	}
	rv := reflect.ValueOf(v)
	name := strings.TrimPrefix(rv.Type().String(), "lockstore.")
	switch {
	case rv.Kind() == reflect.String && name == "string":
		return fmt.Sprintf("%.100q", v)
	case rv.Type().ConvertibleTo(reflect.TypeFor[time.Time]()):
		return name + "(" + value(rv.Convert(reflect.TypeFor[time.Time]()).Interface()) + ")"
	case rv.Kind() == reflect.String:
		return fmt.Sprintf("%s(%.100q)", name, rv.String())
	case rv.Kind() == reflect.Struct, rv.Kind() == reflect.Slice:
		return strings.ReplaceAll(fmt.Sprintf("%#v", v), "lockstore.", "")
	}
	return fmt.Sprintf("%s(%v)", name, v)
}
