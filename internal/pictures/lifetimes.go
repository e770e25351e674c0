package main

import (
	"fmt"

	"github.com/kmdeveloping/dynalock"
)

// lease is that of a live lock, and renewals the moments at which it is renewed:
// every third of it, less a jitter (renew.go), here without.
var (
	lease    = dynalock.DefaultLiveLease.Seconds()
	renewals = func() (at []float64) {
		for t := lease / 3; t < 200; t += lease / 3 {
			at = append(at, t)
		}
		return at
	}()
)

// A row is one lock of the picture of lifetimes.
type row struct {
	name, text string
	held       []tenure
	lives      [][2]float64 // processes
	died       float64      // 0: none
	renewed    float64      // until when; 0: never
	note       string
}

type tenure struct {
	from, to float64 // seconds
	colour   int
	label    string
}

func lifetimes() string {
	const height, rowHeight, top = 448, 88, 58
	days := dynalock.DefaultLease.Hours() / 24
	last := lease // the last renewal of the process that dies
	d := newDrawing(height, "Lifetimes of a lock", fmt.Sprintf("Four locks on one time axis, taken at 0 seconds. A durable lock outlives its process: "+
		"the next process of the same owner name goes on with it and releases it at 78 seconds; otherwise it ends after %.0f days. "+
		"A lock with a lease of 40 seconds ends at 40 seconds, though its process died at 25. "+
		"A live lock is renewed every third of its lease of %.0f seconds until it is released at 90 seconds. "+
		"A live lock whose process dies is free one lease after its last renewal, at %.0f seconds, and the next holder has it.", days, lease, last+lease))
	s := scale{0, 100, 176, width - 24}
	d.seconds(s, 44, top+4*rowHeight-14, 20, "since the lock was taken")
	for i, r := range []row{
		{
			name: "durable", text: "the default",
			held:  []tenure{{0, 78, 0, "held: the end of the process does not end it"}},
			lives: [][2]float64{{0, 20}, {62, 78}},
			note:  fmt.Sprintf("released by the next process of the same owner name, or over after %.0f days", days),
		},
		{
			name: "WithLease(40 s)", text: "work of known length",
			held:  []tenure{{0, 40, 0, "held"}},
			lives: [][2]float64{{0, 25}}, died: 25,
			note: "free after the lease, whether its process lives or not",
		},
		{
			name: "KeepAlive()", text: "while the process lives",
			held:  []tenure{{0, 90, 0, ""}},
			lives: [][2]float64{{0, 90}}, renewed: 90,
			note: "a mark is a renewal: after the first, one write for all live locks of a client",
		},
		{
			name: "KeepAlive()", text: "the process dies",
			held:  []tenure{{0, last + lease, 0, ""}, {last + lease, 78, 1, "the next holder"}},
			lives: [][2]float64{{0, 24}}, died: 24, renewed: 24,
			note: fmt.Sprintf("free %.0f s after the last renewal; the dead process need not do anything", lease),
		},
	} {
		d.row(s, r, float64(top+i*rowHeight))
	}
	d.legend(height - 14)
	return d.end()
}

func (d *drawing) row(s scale, r row, y float64) {
	d.text(16, y+14, "strong", "start", r.name)
	d.text(16, y+32, "small", "start", r.text)
	for _, t := range r.held {
		d.rect(s.x(t.from), y, s.x(t.to)-s.x(t.from), 20, fmt.Sprintf("box b%d", t.colour))
		d.text(s.x(t.from)+8, y+14, "note", "start", t.label)
	}
	for _, at := range renewals {
		if at < r.renewed {
			d.line(s.x(at), y+3, s.x(at), y+17, "line s0")
		}
	}
	for _, l := range r.lives {
		d.line(s.x(l[0]), y+31, s.x(l[1]), y+31, "life")
	}
	if r.died > 0 {
		d.cross(s.x(r.died), y+31)
	}
	d.text(s.x(0)+2, y+53, "small halo", "start", r.note)
}

func (d *drawing) legend(y float64) {
	d.rect(16, y-11, 26, 13, "box b0")
	d.text(48, y, "small", "start", "the lock is held")
	d.line(168, y-4, 194, y-4, "life")
	d.text(200, y, "small", "start", "a process lives")
	d.cross(318, y-4)
	d.text(330, y, "small", "start", "it dies")
}
