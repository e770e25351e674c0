package dynalock

import (
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A rhythm is what a client has learned of when a key changes hands. Its times
// are monotonic, and of the moment at which the store carried a request out,
// about half a round trip before the answer.
//
// What can be measured is not the whole truth: a cycle, from one holder's grant
// to the next one's, contains how late each of them saw its grant. Waiters that
// planned by it alone would read late because all read late. So a client also
// measures its own tenure, from when it saw the grant: others may well be as
// fast, and where it cannot tell whether it was late itself it tries that.
type rhythm struct {
	trip   time.Duration // of a read, there and back
	looked time.Duration // when the key last was seen
	before time.Duration // when it was seen before that
	queue  int           // how many waited when it last was seen
	since  time.Duration // about when its holder got it

	// From began on it was handed over grants times, without a pause.
	began  time.Duration
	grants int64

	got   time.Duration // when our own grant was seen, 0: the lock is not ours
	lap   time.Duration // the cycle while we waited for that; 0: not known
	blind bool          // then we had not looked in the cycle before our grant
	own   time.Duration // our last tenure, from got to the release; 0: none yet
	cycle time.Duration // what to expect; 0: not known
}

// see takes a state of the key into account, grants hand-overs after the one
// that was seen before. ours: it was our own release that made the last one.
func (h *rhythm) see(r *lockstore.Record, grants int64, at time.Duration, ours bool) {
	switch {
	case grants == 0:
	case ours:
		h.since, h.began, h.grants = at, at, 0
		if h.got != 0 {
			h.own = max(at-h.got, 1)
			h.settle()
		}
	case h.looked == 0 || grants > int64(h.queue):
		// Others may have come and gone, or the lock was free for a while: on average
		// it took no longer than that.
		if most := (at - h.looked) / time.Duration(grants); h.looked != 0 && (h.cycle == 0 || most < h.cycle) {
			h.cycle = most
		}
		h.since = max(h.looked, at-h.expected()/2)
		h.began, h.grants = h.since, 0
	default:
		// What was expected is believed as far as what was seen allows.
		h.since = min(max(h.since+time.Duration(grants)*h.expected(), h.looked), at)
		h.grants += grants
	}
	if grants != 0 {
		h.got = 0
	}
	h.before, h.looked, h.queue = h.looked, at, len(r.Queue)
}

// granted notes that the state just seen was our own grant.
func (h *rhythm) granted() {
	h.got, h.lap = h.looked, 0
	if h.grants == 0 {
		return
	}
	h.lap = (h.looked - h.began) / time.Duration(h.grants)
	unseen := h.looked - h.before // it was granted somewhere in that time
	if h.blind = unseen > h.lap; !h.blind {
		h.lap -= max(unseen-h.trip, 0) / 2 / time.Duration(h.grants)
	}
}

// settle learns from a wait and the tenure that it led to. One hand-over that
// took long, or that was seen late, must not slow the next ones: what is shorter
// is believed at once, what is longer bit by bit.
func (h *rhythm) settle() {
	fast := h.own * 3 / 2
	switch {
	case h.lap == 0:
	case (h.blind || h.cycle == 0) && h.lap > fast:
		h.cycle = fast
	case h.lap < h.cycle:
		h.cycle = h.lap
	default:
		h.cycle += min((h.lap-h.cycle)/4, h.cycle/2)
	}
}

// expected is the time from one grant to the next; 0: not known.
func (h *rhythm) expected() time.Duration {
	usual := h.cycle
	if usual == 0 {
		usual = h.own
	}
	if h.grants == 0 || usual != 0 && h.grants == 1 {
		return usual
	}
	if h.grants == 1 {
		// The time since then would grow as it passes, so that the next one always
		// seemed due: this is too short, if anything, and who is overdue is asked about
		// less and less.
		return h.since - h.began
	}
	if now := (h.looked - h.began) / time.Duration(h.grants); usual == 0 || now < usual {
		return now
	}
	return usual
}

// next is how long the one at that place in the queue should wait before it
// reads, if that is known. Those behind read when most of their wait should be
// over, and so again; the head at least a round trip before its grant is due, and
// then in steps that grow with how long the holder is overdue.
func (h *rhythm) next(place int, now time.Duration) (d time.Duration, ok bool) {
	cycle := h.expected()
	if cycle <= 0 {
		return 0, false
	}
	left := h.since + cycle - h.trip/2 - now // a read sent then arrives when the holder is done
	long := max((-left-8*cycle)/2, 0)        // it is not as usual
	switch {
	case place > 0:
		d = (max(left, 0)+time.Duration(place)*cycle)*3/4 + long
	case left > 0:
		d = max(min(left*3/4, left-h.trip), 0)
	default:
		d = max(-left/8, long)
	}
	if d < 20*time.Millisecond {
		// Where timers end on whole milliseconds, as Go's do on Linux in a process
		// that does nothing else, they are never early, and on average half of one
		// late.
		d = d.Round(time.Millisecond)
	}
	return max(d, readsApart-h.trip), true
}

// readsApart is how far apart the reads of one waiter are at least.
const readsApart = time.Millisecond / 2
