package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/kmdeveloping/dynalock"
)

// Prices of DynamoDB on demand in us-east-1, dollars for a unit (docs/cost.md).
const (
	writeUnit = 0.625 / 1e6
	readUnit  = 0.125 / 1e6
	month     = 30 * 24 * 3600.0 // seconds
)

// heartbeat is how often other lock clients for DynamoDB write each lock that is
// held, by default (docs/comparison.md).
const heartbeat = 5.0

// sessionPeriod is the mean of a renewal's: 0.30 to 0.33 of the lease.
var sessionPeriod = dynalock.DefaultLiveLease.Seconds() * (3.0/10 + 1.0/3) / 2

// looked is how many locks are read with each renewal of a session, at most.
const looked = 16

// perMonth is what writes and read units a second cost.
func perMonth(writes, readUnits float64) float64 {
	return (writes*writeUnit + readUnits*readUnit) * month
}

// bySession is what n live locks cost that are spread over so many clients.
func bySession(n, clients float64) float64 {
	clients = min(n, clients)
	return clients * perMonth(1/sessionPeriod, min(n/clients, looked)/2/sessionPeriod)
}

// byHeartbeat is what n locks cost that are each written once in a period.
func byHeartbeat(n, period float64) float64 { return n * perMonth(1/period, 0) }

// A line of the picture of costs.
type costLine struct {
	name   string
	colour int
	of     func(n float64) float64
}

func cost() string {
	const height, left, right, top, bottom = 400, 76.0, 500.0, 74.0, 350.0
	const most = 100_000.0
	lines := []costLine{
		{"a heartbeat for each, every 5 s", 2, func(n float64) float64 { return byHeartbeat(n, heartbeat) }},
		{"dynalock, 100 clients", 1, func(n float64) float64 { return bySession(n, 100) }},
		{"dynalock, 1 client", 0, func(n float64) float64 { return bySession(n, 1) }},
	}
	d := newDrawing(height, "What it costs to keep locks alive", fmt.Sprintf("Dollars a month over the number of live locks, both logarithmic. "+
		"100,000 locks: with a heartbeat for each every 5 seconds %s, with dynalock in one client %s, in a hundred clients %s. "+
		"One lock: %s and %s.", dollars(byHeartbeat(most, heartbeat)), dollars(bySession(most, 1)), dollars(bySession(most, 100)),
		dollars(byHeartbeat(1, heartbeat)), dollars(bySession(1, 1))))
	d.text(16, 48, "small", "start", "dollars a month, on demand in us-east-1, over live locks; a lease of 20 s; both axes logarithmic")
	x := func(n float64) float64 { return left + math.Log10(n)/5*(right-left) }
	y := func(v float64) float64 { return bottom - (math.Log10(v)+1)/6*(bottom-top) }
	for e := -1.0; e <= 5; e++ {
		v := math.Pow(10, e)
		d.line(left, y(v), right, y(v), "grid")
		d.text(left-8, y(v)+4, "small", "end", dollars(v))
	}
	for e := 0.0; e <= 5; e++ {
		n := math.Pow(10, e)
		d.text(x(n), bottom+18, "small", "middle", thousands(n))
	}
	d.text(right, bottom+38, "small", "end", "live locks")
	for _, l := range lines {
		var points []string
		for i := range 101 {
			n := math.Pow(10, float64(i)/20)
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(n), y(l.of(n))))
		}
		d.curve(points, l.colour, "")
		for e := 0.0; e <= 5; e++ {
			n := math.Pow(10, e)
			d.dot(x(n), y(l.of(n)), fmt.Sprintf("f%d", l.colour))
		}
		d.text(right+12, y(l.of(most))-2, "note", "start", l.name)
		d.text(right+12, y(l.of(most))+15, "strong", "start", dollars(l.of(most)))
	}
	return d.end()
}

// dollars are rounded as in docs/cost.md.
func dollars(v float64) string {
	if v < 9.995 {
		return "$" + strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00")
	}
	return "$" + thousands(v)
}

// thousands puts commas between them.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
