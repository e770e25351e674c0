package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// places are n who wait: P0, P1 and so on.
func places(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("P%d", i))
	}
	return ids
}

func queueOf(n int) string {
	if n == 0 {
		return ""
	}
	return "queue=[" + strings.Join(places(n), " ") + "]"
}

// Join: behind all others of a lock that is held, as long as there is room. A
// copy that comes late adds nothing, neither while its first stands in the queue
// nor once it has been handed the lock.
func TestJoin(t *testing.T) {
	const held = "owner=a nonce=A token=7 seq=3 since=5s lease=10s until=20s ttl=30s delete hold=9s data=x session=s "
	const shown = "owner=a nonce=A token=7 seq=3 since=5s lease=10s until=20s ttl=30s delete hold=9s data=x session=s "
	step{"join", protocol.Join(waiter("Q/me/delete")), [][2]string{
		{held, shown + "queue=[Q/me/delete]"},
		{held + "noqueue", shown + "queue=[Q/me/delete]"},
		{held + "queue=[P/b]", shown + "queue=[P/b Q/me/delete]"},
		{"nonce=E seq=1 lease=10s until=20s ended", "nonce=E seq=1 lease=10s until=20s ended queue=[Q/me/delete]"},
		{held + "queue=[Q/me/delete]", refused},
		{held + "queue=[P/b Q/me/delete R/c]", refused},
		{"owner=me nonce=Q token=8 seq=4", refused},
		{"owner=me nonce=Q token=8 seq=4 queue=[R/c]", refused},
		{"nonce=A seq=3 released", refused},
		{"nonce=A seq=3 released queue=[P]", refused},
		{"owner=a", refused}, // early versions know no queue
		{"owner=a released", refused},
		{"none", refused},
	}}.check(t)
}

func TestJoinBound(t *testing.T) {
	for n := range lockstore.MaxQueue + 1 {
		before, after := "nonce=A seq=3 "+queueOf(n), refused
		if n < protocol.QueueBound {
			after = "nonce=A seq=3 queue=[" + strings.Join(append(places(n), "Q"), " ") + "]"
		}
		step{"join", protocol.Join(waiter("Q")), [][2]string{{before, after}}}.check(t)
	}
}

// Leave: only oneself, at the place where one was seen.
func TestLeave(t *testing.T) {
	const held = "owner=a nonce=A token=7 seq=3 since=5s lease=10s until=20s ttl=30s data=x "
	step{"leave", protocol.Leave("Q", 1), [][2]string{
		{held + "queue=[P Q/me R]", held + "queue=[P R]"},
		{held + "queue=[P Q]", held + "queue=[P]"},
		{"nonce=A seq=3 released queue=[P Q]", "nonce=A seq=3 released queue=[P]"},
		{held + "queue=[Q R]", refused}, // it moved up: look again
		{held + "queue=[P R Q]", refused},
		{held + "queue=[P R]", refused}, // a late copy
		{"owner=me nonce=Q token=8 seq=4 queue=[R]", refused},
		{held, refused},
		{"owner=a", refused},
		{"none", refused},
	}}.check(t)
	step{"leave, the head", protocol.Leave("Q", 0), [][2]string{{held + "queue=[Q]", strings.TrimSpace(held)}}}.check(t)
}

func TestPlace(t *testing.T) {
	for record, want := range map[string]int{
		"none": -1, "owner=a": -1, "nonce=Q seq=1": -1, "nonce=A": -1, "nonce=A queue=[P R]": -1,
		"nonce=A queue=[Q P]": 0, "nonce=A queue=[P Q R]": 1, "nonce=A queue=[P R Q]": 2, "nonce=A released queue=[P Q]": 1,
	} {
		if got := protocol.Place(parse(record), "Q"); got != want {
			t.Errorf("%s: %d, want %d", record, got, want)
		}
	}
}

// What takeOver makes of a lapsed tenure of a, with the queue that is left.
const over = "owner=me nonce=M token=8 seq=1 since=1m40s lease=10s until=1m50s ttl=3m20s "

func takeOver(record string, place int) lockstore.Write {
	return protocol.TakeOverQueued(parse(record), place, mine(), 5, at(100*time.Second))
}

// Take over where nobody waits: exactly the tenure, in exactly the state, that
// was seen.
func TestTakeOver(t *testing.T) {
	const seen = "owner=a nonce=A token=7 seq=3 lease=10s until=90s"
	step{"take over", takeOver(seen, 0), [][2]string{
		{seen, over + "last=A/taken-over/me"},
		{seen + " noqueue", over + "last=A/taken-over/me"},
		{seen + " delete hold=80s data=x last=B/released/b", over + "data=x last=A/taken-over/me"},
		{"owner=a nonce=A token=7 seq=4 lease=10s until=99s", refused}, // it lives
		{"owner=b nonce=B token=8 seq=3 lease=10s until=99s", refused}, // another was faster
		{"owner=a nonce=A token=7 seq=3 released", refused},            // free: acquire
		{seen + " queue=[Q]", refused},                                 // somebody has joined, and comes first
		{"none", refused},
		{"owner=me nonce=M token=8 seq=1 last=A/taken-over/me", refused}, // a late copy
	}}.check(t)
	step{"take over, the one before is in last", takeOver(seen+" last=B/released/b", 0), [][2]string{
		{seen + " last=B/released/b", over + "last=A/taken-over/me"},
	}}.check(t)
	step{"take over, higher base", protocol.TakeOverQueued(parse(seen), 0, mine(), 50, at(100*time.Second)), [][2]string{
		{seen, strings.Replace(over, "token=8", "token=51", 1) + "last=A/taken-over/me"},
	}}.check(t)
}

// From a place in the queue: only those before it go, and they must be those
// that were seen. Who joined behind it meanwhile stays.
func TestTakeOverFromPlace(t *testing.T) {
	const seen = "owner=a nonce=A token=7 seq=3 lease=10s until=90s "
	for place, left := range []string{"Q R", "R", ""} {
		queue := func(ids string) string {
			if ids = strings.TrimSpace(ids); ids == "" {
				return ""
			}
			return "queue=[" + ids + "] "
		}
		step{fmt.Sprint("take over from ", place), takeOver(seen+"queue=[P Q R]", place), [][2]string{
			{seen + "queue=[P Q R]", over + queue(left) + "last=A/taken-over/me"},
			{seen + "delete hold=80s data=x queue=[P Q R S/d/delete]", over + "data=x " + queue(left+" S/d/delete") + "last=A/taken-over/me"},
			{seen + "queue=[Z Q R]", refused}, // the head is another
			{seen + "queue=[Q R]", refused},   // it left
			{seen + "queue=[]", refused},
			{seen, refused},
			{"nonce=A token=7 seq=4 lease=10s until=90s queue=[P Q R]", refused},
			{"nonce=B token=7 seq=3 lease=10s until=90s queue=[P Q R]", refused},
			{"nonce=A token=7 seq=3 released queue=[P Q R]", refused},
			{"owner=p nonce=P token=8 seq=4 lease=3s until=93s queue=[Q R]", refused}, // handed over after all
			{"none", refused},
		}}.check(t)
	}
	step{"take over from 1", takeOver(seen+"queue=[P Q R]", 1), [][2]string{
		{seen + "queue=[P Z R]", refused},
		{seen + "queue=[P R Q]", refused},
		{seen + "queue=[P Q]", over + "last=A/taken-over/me"}, // R has left
		{seen + "queue=[P Q Z]", over + "queue=[Z] last=A/taken-over/me"},
	}}.check(t)
}

// From outside: all of the queue goes, if it is all of the queue that was seen.
func TestTakeOverFromOutside(t *testing.T) {
	const seen = "owner=a nonce=A token=7 seq=3 lease=10s until=90s "
	step{"take over from outside", takeOver(seen+"queue=[P Q]", 2), [][2]string{
		{seen + "queue=[P Q]", over + "last=A/taken-over/me"},
		{seen + "queue=[P Q R]", refused}, // one who joined has a turn before us
		{seen + "queue=[P]", refused},
		{seen + "queue=[P Z]", refused},
		{seen + "queue=[Z Q]", refused},
		{seen, refused},
	}}.check(t)
	full := seen + queueOf(lockstore.MaxQueue)
	step{"take over from outside a full queue", takeOver(full, lockstore.MaxQueue), [][2]string{{full, over + "last=A/taken-over/me"}}}.check(t)
	step{"take over from its last place", takeOver(full, lockstore.MaxQueue-1), [][2]string{{full, over + "last=A/taken-over/me"}}}.check(t)
}

// What a release left until the end of HoldAtLeast is nobody's: last still says
// how the tenure before it ended.
func TestTakeOverEnded(t *testing.T) {
	const seen = "owner=a nonce=E token=7 seq=1 lease=10s until=90s hold=90s ended last=A/released/a "
	step{"take over from 0", takeOver(seen+"queue=[Q R]", 0), [][2]string{
		{seen + "queue=[Q R]", over + "queue=[R] last=A/released/a"},
	}}.check(t)
	step{"take over", takeOver(seen, 0), [][2]string{{seen, over + "last=A/released/a"}}}.check(t)
	const bare = "owner=a nonce=E token=7 seq=1 lease=10s until=90s hold=90s ended"
	step{"take over, nothing known", takeOver(bare, 0), [][2]string{{bare, over + "last=E/taken-over/me"}}}.check(t)
}

// Something other than dynalock left a queue at a free lock.
func TestTakeOverReleased(t *testing.T) {
	const seen = "owner=a nonce=A token=7 seq=3 released "
	for place, left := range []string{"queue=[Q] ", "", ""} { // two places, and outside
		step{fmt.Sprint("take from ", place), takeOver(seen+"queue=[P Q]", place), [][2]string{
			{seen + "queue=[P Q]", over + left + "last=A/released/a"},
			{seen + "queue=[Z Q]", refused},
			{seen + "queue=[Q]", refused},
			{"owner=a nonce=A token=7 seq=3 queue=[P Q]", refused},
			{"owner=b nonce=B token=7 seq=3 released queue=[P Q]", refused},
			{"none", refused},
		}}.check(t)
	}
}

// A tenure under a session is taken over only while it is under that one.
func TestTakeOverUnderSession(t *testing.T) {
	const seen = "owner=a nonce=A token=7 seq=3 lease=10s session=s queue=[P]"
	step{"take over", takeOver(seen, 0), [][2]string{
		{seen, over + "last=A/taken-over/me"},
		{"owner=a nonce=A token=7 seq=3 lease=10s session=r queue=[P]", refused},
		{"owner=a nonce=A token=7 seq=3 lease=10s until=90s queue=[P]", refused},
	}}.check(t)
}

// A write may touch the queue once, so that a store's single update can carry
// it out.
func TestTakeOverTouchesTheQueueOnce(t *testing.T) {
	const seen = "owner=a nonce=A token=7 seq=3 lease=10s until=90s queue=[P Q]"
	for place := range 3 {
		w := takeOver(seen, place)
		var of []string
		for _, change := range w.Do {
			switch change.(type) {
			case lockstore.KeepQueue, lockstore.DropWaiters, lockstore.DropWaiterAt, lockstore.AddWaiter, lockstore.PassOn:
				of = append(of, fmt.Sprintf("%T %v", change, change))
			}
		}
		if want := fmt.Sprintf("[lockstore.DropWaiters %d]", min(place+1, 2)); fmt.Sprint(of) != want {
			t.Errorf("from %d: %v, want %s", place, of, want)
		}
	}
}
