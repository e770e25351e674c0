package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A record as text: "none", or its parts in the order below. A time is told
// as the time since start, and a nonce of one letter stands for itself.
//
//	owner=a nonce=A token=7 seq=3 since=5s lease=10s until=20s ttl=90s
//	released delete hold=30s ended data=x sealed session=s queue=[x y]
//	last=A/released/a revoked=2
//
// A nonce makes a queue, if only an empty one; "noqueue" says that there is none.
// One who waits is told by its ID, as x, or with its owner and its wish for
// deletion, as x/b or x/b/delete.
func parse(text string) *lockstore.Record {
	if text == "none" {
		return nil
	}
	r := &lockstore.Record{}
	text = strings.NewReplacer("[", "", "]", "").Replace(text)
	queue := false
	for _, word := range strings.Fields(text) {
		name, value, given := strings.Cut(word, "=")
		if queue = queue && !given && !set(r, name, ""); queue {
			r.Queue = append(r.Queue, waiter(word))
			continue
		}
		if name == "queue" {
			queue = true
			r.Queue = append(r.Queue, waiter(value))
		} else if !set(r, name, value) {
			panic("unknown part " + word)
		}
	}
	if r.Nonce != "" && r.Queue == nil && !strings.Contains(text, "noqueue") {
		r.Queue = []lockstore.Waiter{}
	}
	return r
}

func waiter(text string) lockstore.Waiter {
	id, rest, _ := strings.Cut(text, "/")
	owner, wish, _ := strings.Cut(rest, "/")
	return lockstore.Waiter{ID: lockstore.Nonce(id), Owner: owner, DeleteOnRelease: wish == "delete"}
}

func formatWaiter(w lockstore.Waiter) string {
	text := string(w.ID)
	if w.Owner != "" {
		text += "/" + w.Owner
	}
	if w.DeleteOnRelease {
		text += "/delete"
	}
	return text
}

func set(r *lockstore.Record, name, value string) bool {
	at := func() time.Time { return start.Add(dur(value)) }
	number := func() (n int64) { _, _ = fmt.Sscan(value, &n); return n }
	switch name {
	case "owner":
		r.Owner = value
	case "nonce":
		r.Nonce = lockstore.Nonce(value)
	case "token":
		r.Token = number()
	case "seq":
		r.Seq = number()
	case "since":
		r.Since = at()
	case "lease":
		r.Lease = dur(value)
	case "until":
		r.Expires = at()
	case "ttl":
		r.TTL = at()
	case "released":
		r.Released = true
	case "delete":
		r.DeleteOnRelease = true
	case "hold":
		r.Hold = at()
	case "ended":
		r.Ended = true
	case "data":
		r.Data = []byte(value)
	case "sealed":
		r.Sealed = true
	case "session":
		r.Session = value
	case "last":
		part := strings.Split(value, "/")
		r.Last = &lockstore.Last{Nonce: lockstore.Nonce(part[0]), How: lockstore.How(strings.ReplaceAll(part[1], "-", " ")), By: part[2]}
	case "revoked":
		r.Revoked = number()
	case "noqueue":
	default:
		return false
	}
	return true
}

// format is the reverse of parse.
func format(r *lockstore.Record) string {
	if r == nil {
		return "none"
	}
	var parts []string
	add := func(show bool, form string, args ...any) {
		if show {
			parts = append(parts, fmt.Sprintf(form, args...))
		}
	}
	at := func(name string, t time.Time) { add(!t.IsZero(), "%s=%v", name, t.Sub(start)) }
	add(r.Owner != "", "owner=%s", r.Owner)
	add(r.Nonce != "", "nonce=%s", string(r.Nonce))
	add(r.Token != 0, "token=%d", r.Token)
	add(r.Seq != 0, "seq=%d", r.Seq)
	at("since", r.Since)
	add(r.Lease != 0, "lease=%v", r.Lease)
	at("until", r.Expires)
	at("ttl", r.TTL)
	add(r.Released, "released")
	add(r.DeleteOnRelease, "delete")
	at("hold", r.Hold)
	add(r.Ended, "ended")
	add(r.Data != nil, "data=%s", r.Data)
	add(r.Sealed, "sealed")
	add(r.Session != "", "session=%s", r.Session)
	var queue []string
	for _, w := range r.Queue {
		queue = append(queue, formatWaiter(w))
	}
	add(len(queue) > 0, "queue=[%s]", strings.Join(queue, " "))
	add(r.Nonce != "" && r.Queue == nil, "noqueue")
	if r.Last != nil {
		add(true, "last=%s/%s/%s", string(r.Last.Nonce), strings.ReplaceAll(string(r.Last.How), " ", "-"), r.Last.By)
	}
	add(r.Revoked != 0, "revoked=%d", r.Revoked)
	return strings.Join(parts, " ")
}

// The language has to say what it means, or the rules written in it mean
// nothing.
func TestRecordText(t *testing.T) {
	for _, text := range []string{
		"none", "owner=a", "owner=a released data=x",
		"owner=a nonce=A token=7 seq=3 since=5s lease=10s until=20s ttl=1m30s released delete hold=30s ended data=x sealed session=s queue=[x y/b z/c/delete] last=A/taken-over/b revoked=2",
		"nonce=A noqueue",
	} {
		if got := format(parse(text)); got != text {
			t.Errorf("%s\nbecame\n%s", text, got)
		}
	}
}
