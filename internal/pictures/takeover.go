package main

import "fmt"

// The moments of a takeover, in seconds after the last renewal was sent. The
// lease is the default's. The store's clock is known to two seconds, as its Date
// header says it (docs/protocol.md, "Time"): the holder wrote latest() + lease,
// and who takes over waits until earliest() is beyond that.
var (
	dies      = 5.0
	promised  = lease + 1.2
	byClock   = promised + 1.8
	firstLook = 2.0 // when a waiter saw that renewal for the first time
	byLooks   = firstLook + lease
	fresh     = 34.0 // when a process comes that knows nothing
)

func takeover() string {
	const height, top, pitch = 474, 62, 74
	d := newDrawing(height, "A takeover: the holder dies", fmt.Sprintf("One time axis, in seconds since the holder's last renewal was sent. "+
		"The holder dies at %.0f seconds. If it were only paused, its handle would stop believing at %.0f seconds, counted from when the renewal was sent. "+
		"The item promises the lease until %.1f seconds by the store's clock, which is known for over at %.0f. "+
		"A waiter that first saw the renewal at %.0f seconds takes over at %.0f, after one lease without a change. "+
		"A fresh process that comes at %.0f seconds takes over with its second request, by the store's clock. "+
		"A process that went by what it sees alone would have to watch for a lease, until %.0f seconds. "+
		"Between the end of the holder's belief and the first takeover there is always a gap. The token rises from 7 to 8.",
		dies, lease, promised, byClock, firstLook, byLooks, fresh, fresh+lease))
	s := scale{0, 60, 190, width - 24}
	y := func(i int) float64 { return float64(top + i*pitch) }
	bottom := y(5) - 14
	first := min(byLooks, byClock)
	d.rect(s.x(lease), 42, s.x(first)-s.x(lease), bottom-42, "gap")
	d.seconds(s, 42, bottom, 10, "since the holder's last renewal was sent")

	d.party(y(0), "the holder, A", "what it believes")
	d.bar(s, y(0), 0, lease, 0, "A holds: token 7")
	d.line(s.x(0), y(0)+31, s.x(dies), y(0)+31, "life")
	d.cross(s.x(dies), y(0)+31)
	d.text(s.x(lease)+30, y(0)+14, "bad halo", "start", "nobody holds: the gap that makes it safe")
	d.text(s.x(dies)+12, y(0)+35, "small halo", "start", fmt.Sprintf("dies; if it is only paused, a local timer ends its belief at %.0f s", lease))

	d.party(y(1), "the item", "what is promised")
	d.bar(s, y(1), 0, promised, 3, "A's, token 7")
	d.line(s.x(promised), y(1)-4, s.x(promised), y(1)+24, "line s3")
	d.text(s.x(promised)+30, y(1)+14, "small halo", "start", "its end by the store's clock; others are sure of it up")
	d.text(s.x(promised)+30, y(1)+30, "small halo", "start", fmt.Sprintf("to %.0f s later: the Date header has whole seconds", byClock-promised))

	d.party(y(2), "either a waiter", "watches the item")
	d.line(s.x(firstLook), y(2)+10, s.x(byLooks), y(2)+10, "line s1 wait")
	d.dot(s.x(firstLook), y(2)+10, "f1")
	d.bar(s, y(2), byLooks, 58, 1, "holds: token 8, 1 write")
	d.text(s.x(firstLook), y(2)+39, "small halo", "start", "one lease after it first saw the last renewal, or by the store's clock: what is first")

	d.party(y(3), "or a fresh process", "by the store's clock")
	d.dot(s.x(fresh), y(3)+10, "f2")
	d.bar(s, y(3), fresh, 58, 2, "holds: token 8, 2 writes")
	d.text(s.x(firstLook), y(3)+39, "small halo", "start", "at once: one write that is refused and shows the end, one that takes the lock")

	d.party(y(4), "by looks alone", "ObserveOnly()")
	d.line(s.x(fresh), y(4)+10, s.x(fresh+lease), y(4)+10, "line s3 wait")
	d.dot(s.x(fresh), y(4)+10, "f3")
	d.bar(s, y(4), fresh+lease, 58, 3, "")
	d.text(s.x(firstLook), y(4)+39, "small halo", "start", "who cannot tell the store's time watches for a whole lease first")
	return d.end()
}

func (d *drawing) party(y float64, name, role string) {
	d.text(16, y+14, "strong", "start", name)
	d.text(16, y+32, "small", "start", role)
}

func (d *drawing) bar(s scale, y, from, to float64, colour int, label string) {
	d.rect(s.x(from), y, s.x(to)-s.x(from), 20, fmt.Sprintf("box b%d", colour))
	d.text(s.x(from)+8, y+14, "note", "start", label)
}
