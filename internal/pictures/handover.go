package main

import "fmt"

// The places of the parties of a hand-over.
const (
	placeA    = 76.0
	placeItem = 306.0
	placeB    = 508.0
	placeC    = 644.0
	partyHalf = 56.0 // of the parties' boxes
	itemHalf  = 80.0 // of the item's states
)

// A step of a hand-over: a request, and the item after it, if that changes.
type step struct {
	from    float64
	colour  int
	read    bool
	text    string // above the arrow
	cost    string // below it
	holder  int    // the colour of the item's state
	item    string
	inQueue string
}

var steps = []step{
	{from: placeA, colour: 0, text: "acquire", cost: "1 write", holder: 0, item: "A, token 7", inQueue: "queue: nobody"},
	{from: placeB, colour: 1, text: "join the queue", cost: "1 write", holder: 0, item: "A, token 7", inQueue: "queue: B"},
	{from: placeC, colour: 2, text: "join the queue", cost: "1 write", holder: 0, item: "A, token 7", inQueue: "queue: B, C"},
	{from: placeB, colour: 1, read: true, text: "read", cost: "½ unit"},
	{from: placeC, colour: 2, read: true, text: "read, less often", cost: "½ unit"},
	{from: placeA, colour: 0, text: "release: B's grant", cost: "1 write", holder: 1, item: "B, token 8", inQueue: "queue: C"},
	{from: placeB, colour: 1, read: true, text: "read: it is mine", cost: "½ unit"},
	{from: placeB, colour: 1, text: "release", cost: "1 write", holder: 2, item: "C, token 9", inQueue: "queue: nobody"},
	{from: placeC, colour: 2, read: true, text: "read: it is mine", cost: "½ unit"},
}

func handover() string {
	const height, top, pitch = 610, 116, 48
	d := newDrawing(height, "A hand-over: the release is the grant",
		"Three processes and the lock's item. A takes the lock by one write and has token 7. B and C join the queue in the item by one write each. "+
			"While A holds the lock, B, the head of the queue, reads about when A should be done, and C reads less often; neither writes. "+
			"A's release is one write, by which the item is B's, with token 8, and only C is in the queue. B's next read shows that. "+
			"B's release grants the lock to C in the same way, with token 9.")
	at := func(i int) float64 { return float64(top + i*pitch) }
	for _, p := range []struct {
		x          float64
		colour     int
		name, role string
	}{
		{placeA, 0, "process A", "comes first"}, {placeItem, 3, "the item", "in the table"},
		{placeB, 1, "process B", "waits"}, {placeC, 2, "process C", "waits"},
	} {
		d.line(p.x, 84, p.x, at(len(steps))-22, "axis")
		d.rect(p.x-partyHalf, 42, 2*partyHalf, 42, fmt.Sprintf("box b%d", p.colour))
		d.text(p.x, 60, "strong", "middle", p.name)
		d.text(p.x, 76, "small", "middle", p.role)
	}
	// Who knows that he holds, from the answer to the release.
	d.rect(placeA-4, at(0), 8, at(5)-at(0), "box b0")
	d.rect(placeB-4, at(6), 8, at(7)-at(6), "box b1")
	d.rect(placeC-4, at(8), 8, at(9)-22-at(8), "box b2")
	for i, s := range steps {
		d.step(s, at(i))
	}
	for i, line := range []string{
		"A bar on a process's line: it holds the lock. Reads are eventually consistent, half a unit each; the head of",
		"the queue reads about when the holder should be done. Nobody writes while waiting. A process that has not",
		"seen the lock held before tries first, one write more. Goroutines of one client wait as one process.",
	} {
		d.text(16, height-46+float64(i)*16, "small", "start", line)
	}
	return d.end()
}

func (d *drawing) step(s step, y float64) {
	edge := itemHalf
	if s.read {
		edge = 0
	}
	if s.from < placeItem {
		edge = -edge
	}
	class := ""
	if s.read {
		class = "read"
	} else {
		d.rect(placeItem-itemHalf, y-19, 2*itemHalf, 38, fmt.Sprintf("box b%d", s.holder))
		d.text(placeItem, y-3, "note", "middle", s.item)
		d.text(placeItem, y+13, "small", "middle", s.inQueue)
	}
	d.dot(s.from, y, fmt.Sprintf("f%d", s.colour))
	d.arrow(s.from, placeItem+edge, y, s.colour, class)
	// Between the item and its nearer neighbour, where no line is crossed.
	left, right := placeA, placeItem-itemHalf
	if s.from > placeItem {
		left, right = placeItem+itemHalf, placeB
	}
	d.text((left+right)/2, y-6, "note", "middle", s.text)
	d.text((left+right)/2, y+16, "small", "middle", s.cost)
}
