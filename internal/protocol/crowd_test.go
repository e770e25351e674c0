package protocol_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A machine reads and writes one record: with clocks that go wrong, and by
// requests that take their time.
type machine struct {
	*local
	bounds protocol.Bounds
	blind  bool // ends leases by observation alone
}

// A crowd is a lock that is handed over with a queue behind it: the one who
// releases it, the one who gets it, and those who may take it over if that one is
// gone: three in the queue, the last one outside.
type crowd struct {
	rng       *rand.Rand
	truth     time.Time
	pause     time.Duration // between two events, at most
	exact     bool          // the store tells its time exactly, as an embedded one does
	releaser  *machine
	grantee   *machine
	rivals    []*rival
	past      []*lockstore.Record // all that was written
	written   time.Time           // when the last of them was
	believes  protocol.Belief
	confirmed bool // believes is from a write or a grant
	claimed   bool // the grantee has renewed
}

type rival struct {
	*machine
	place int
	saw   *lockstore.Record
	seen  protocol.Observation
}

func newCrowd(seed uint64) *crowd {
	rng := rand.New(rand.NewPCG(seed, 3))
	c := &crowd{rng: rng, truth: start, exact: rng.IntN(2) == 0, pause: []time.Duration{300 * time.Millisecond, 5 * time.Second}[rng.IntN(2)]}
	m := func() *machine {
		margin := duelMargin
		if c.exact {
			margin = 0
		}
		return &machine{local: newLocal(rng), bounds: protocol.NewBounds(margin), blind: rng.IntN(3) == 0}
	}
	c.releaser, c.grantee = m(), m()
	for place := range 4 {
		c.rivals = append(c.rivals, &rival{machine: m(), place: place})
	}
	c.past = []*lockstore.Record{{Owner: "a", Nonce: "H", Token: 7, Seq: 1, Queue: []lockstore.Waiter{
		{ID: "G", Owner: "g"}, {ID: "P0", Owner: "p"}, {ID: "P1", Owner: "p"}, {ID: "P2", Owner: "p"},
	}}}
	return c
}

func (c *crowd) record() *lockstore.Record { return c.past[len(c.past)-1] }

func (c *crowd) pass(by time.Duration) {
	c.truth = c.truth.Add(by)
	c.releaser.pass(by)
	c.grantee.pass(by)
	for _, r := range c.rivals {
		r.pass(by)
	}
}

// request takes up to slow each way. What it does in the store is between.
func (c *crowd) request(m *machine, slow time.Duration, do func()) {
	asked := m.now
	c.pass(time.Duration(c.rng.Int64N(int64(slow))))
	do()
	told := lockstore.TimeBounds{Earliest: c.truth, Latest: c.truth}
	if !c.exact {
		told = date(c.rng, c.truth, duelMargin)
	}
	c.pass(time.Duration(c.rng.Int64N(int64(slow))))
	m.bounds.Observe(asked, m.now, told)
}

// write carries w out, if the record lets it.
func (c *crowd) write(w lockstore.Write) (applied bool) {
	if holds, err := w.If.Holds(c.record()); !holds || err != nil {
		return false
	}
	next, err := w.Apply(c.record())
	if err != nil {
		panic(err)
	}
	c.past, c.written = append(c.past, next), c.truth
	return true
}

// handOver is the release. Half of the time its sender has heard of the store's
// clock before, perhaps long ago.
func (c *crowd) handOver() {
	r := c.releaser
	if c.rng.IntN(4) > 0 {
		c.request(r, 100*time.Millisecond, func() {})
		c.pass(somewhile(c.rng))
	}
	w := protocol.PassOn("H", "a", r.now.Wall, protocol.Claim(r.now, &r.bounds))
	slow := []time.Duration{20 * time.Millisecond, 2 * time.Second}[c.rng.IntN(2)]
	c.request(r, slow, func() { c.write(w) })
}

// read gives the record, or the one before it.
func (c *crowd) read() *lockstore.Record {
	if c.rng.IntN(5) == 0 {
		return c.past[max(len(c.past)-2, 0)]
	}
	return c.record()
}

// hear is a read by the one who was handed the lock: it believes at once if it
// may, as the client does.
func (c *crowd) hear() {
	g, asked := c.grantee, c.grantee.now
	var r *lockstore.Record
	c.request(g, 100*time.Millisecond, func() { r = c.read() })
	if r.Nonce == "G" && !c.confirmed {
		c.believes, c.confirmed = protocol.Granted(r, asked, &g.bounds)
	}
}

// renew is by a holder who believes, or who was handed a lock without an end.
func (c *crowd) renew() {
	g, r := c.grantee, c.record()
	if r.Nonce != "G" || c.confirmed && c.believes.Left(g.now, &g.bounds) <= 0 {
		return
	}
	sent := g.now
	p := protocol.NewPromise(sent, &g.bounds, time.Duration(1+c.rng.IntN(20))*time.Second, time.Time{}, 0)
	applied := false
	c.request(g, 300*time.Millisecond, func() { applied = c.write(protocol.Renew("G", r.Seq, p, nil)) })
	if applied {
		c.believes, c.confirmed, c.claimed = p.Belief(sent), true, true
	}
}

// look is a read by a rival.
func (c *crowd) look(r *rival) {
	c.request(r.machine, 100*time.Millisecond, func() { r.saw = c.read() })
	r.seen.See(r.saw, r.now)
}

// takeOver is by a rival whose turn it is.
func (c *crowd) takeOver(r *rival) {
	tenure := mine()
	w := protocol.TakeOverQueued(r.saw, r.place, tenure, 1, r.now.Wall)
	c.request(r.machine, time.Second, func() { c.write(w) })
}

// turn is when the rival may take over what it saw, if that is still so.
func (r *rival) turn(c *crowd) (time.Duration, bool) {
	if r.saw == nil || r.saw.Nonce != "G" || c.record().Nonce != "G" || r.saw.Seq != c.record().Seq {
		return 0, false
	}
	var by *protocol.Bounds
	if !r.blind {
		by = &r.bounds
	}
	return protocol.Turn(r.saw, r.place, &r.seen, by, r.now), true
}

// over is the earliest that the tenure can have ended: by the clock or by its
// lease, whichever an observer may go by.
func (c *crowd) over() time.Time {
	r := c.record()
	end := c.written.Add(r.Lease)
	if !r.Expires.IsZero() && r.Expires.Before(end) {
		end = r.Expires
	}
	return end
}

// check fails if it is a rival's turn while the grantee believes or while the
// places before it have not had theirs, or if the lock is taken while the grantee
// believes. It gives a rival whose turn it is, if there is one.
func (c *crowd) check(t *testing.T, seed uint64, turns *[4]int) (next *rival) {
	left := c.left()
	if c.record().Nonce == "M" && left > 0 {
		t.Fatalf("seed %d: it was taken over, and the one who was handed the lock believes for %v more", seed, left)
	}
	for place, r := range c.rivals {
		turn, current := r.turn(c)
		if !current || turn > 0 {
			continue
		}
		turns[place]++
		next = r
		if left > 0 {
			t.Fatalf("seed %d: it is the turn of %d, and the one who was handed the lock believes for %v more (claimed %v, faults %d and %d, blind %v)",
				seed, place, left, c.claimed, c.grantee.fault, r.fault, r.blind)
		}
		first := c.over().Add(time.Duration(place) * protocol.ClaimWindow * 999 / 1000)
		if c.truth.Before(first) {
			t.Fatalf("seed %d: place %d has its turn %v too early (faults %d, blind %v)", seed, place, first.Sub(c.truth), r.fault, r.blind)
		}
	}
	return next
}

// left is how long the grantee believes.
func (c *crowd) left() time.Duration {
	if !c.confirmed {
		return 0
	}
	return c.believes.Left(c.grantee.now, &c.grantee.bounds)
}

// Whoever was handed a lock never believes while anybody, in the queue or
// outside, may take it over; and nobody does so before each place before it has
// had its window. By clock and by observation, before and after it claims.
func TestGrantEndsBeforeAnybodyMayTakeOver(t *testing.T) {
	turns, granted, claimed, endless, taken := [4]int{}, 0, 0, 0, 0
	for seed := range uint64(3000) {
		c := newCrowd(seed)
		c.handOver()
		if c.record().Expires.IsZero() {
			endless++
		}
		believed := false
		for range 70 {
			switch r := c.rivals[c.rng.IntN(4)]; c.rng.IntN(6) {
			case 0:
				c.hear()
				believed = believed || !c.claimed && c.left() > 0
			case 1:
				if c.rng.IntN(4) == 0 {
					c.renew()
				}
			case 2, 3:
				c.look(r)
			default:
				c.pass(min(somewhile(c.rng), c.pause))
			}
			if next := c.check(t, seed, &turns); next != nil && c.rng.IntN(16) == 0 {
				c.takeOver(next)
				c.check(t, seed, &turns)
			}
		}
		for counter, counts := range map[*int]bool{&granted: believed, &claimed: c.claimed, &taken: c.record().Nonce == "M"} {
			if counts {
				*counter++
			}
		}
	}
	if min(turns[0], turns[1], turns[2], turns[3]) < 1000 || min(granted, claimed, endless, taken) < 300 {
		t.Errorf("turns %v, believed by the grant %d, claimed %d, without an end %d, taken over %d: too few to tell anything", turns, granted, claimed, endless, taken)
	}
}
