package sim

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

const maxLease = 6 * time.Second

// kinds are what can befall a history; each seed has some of them, and the flag
// -off leaves them out, which changes nothing else that is drawn.
var kinds = []string{
	"loss", "throttle", "delay", "late", "repeat", "stale", // of requests
	"outage", "freeze", "suspend", "wall", "drift", "crash", "close", // of machines
	"ttl", "hand", "force", "bykey", "resume", "attach", // by others
	"delete", "data", "encrypt", "endless", "hold", "atmost", "update", // of users' options
	"polls", "observe", "rolling", "dates", "notime", "retention", "fast", // of the setting
}

// A config is what a seed decides about a history as a whole.
type config struct {
	has       map[string]bool
	clients   int
	users     int // at most, of one client
	keys      int
	length    time.Duration
	rates     float64 // how often requests meet faults
	troubles  float64 // how often machines do, by second
	live      float64 // the share of locks with KeepAlive
	short     float64 // the share of short holds
	margin    time.Duration
	retention time.Duration
}

func newConfig(seed uint64) *config {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := &config{has: map[string]bool{}}
	wild := rng.Float64() // from calm to wild
	off := strings.Split(*off, ",")
	for _, kind := range kinds {
		c.has[kind] = rng.Float64() < 0.1+0.6*wild && !slices.Contains(off, kind)
	}
	if c.has["wall"] && c.has["notime"] {
		c.has["hold"] = c.has["hold"] && *known
	}
	if c.has["notime"] {
		c.has["attach"] = c.has["attach"] && *known
	}
	c.clients, c.users, c.keys = 2+rng.IntN(4), 1+rng.IntN(3), 1+rng.IntN(3)
	c.length = between(rng, 30, 90)
	c.rates, c.troubles = 0.3+rng.Float64(), 0.05+0.2*rng.Float64()
	c.live, c.short = rng.Float64(), rng.Float64()
	if c.has["dates"] {
		c.margin = between(rng, 0.1, 0.6)
	}
	if c.has["retention"] {
		c.retention = between(rng, 1, 8).Truncate(time.Second)
	}
	return c
}

// between is a random duration between so many seconds, to the nanosecond.
func between(rng *rand.Rand, least, most float64) time.Duration {
	return time.Duration((least + rng.Float64()*(most-least)) * 1e9)
}

// requestFaults gives how often requests meet what.
func (c *config) requestFaults() faultstore.Rates {
	rate := func(kind string, share float64) float64 {
		if !c.has[kind] {
			return 0
		}
		return share * c.rates
	}
	return faultstore.Rates{
		Cut: rate("loss", .03), Fail: rate("loss", .03), Refuse: rate("loss", .03),
		Throttle: rate("throttle", .06), Hold: rate("delay", .04), Delay: rate("delay", .04),
		Late: rate("late", .05), Stale: rate("stale", .3), MaxDelay: 2 * time.Second,
	}
}

// faulty reports whether requests meet anything.
func (c *config) faulty() bool {
	r := c.requestFaults()
	return r.Cut+r.Throttle+r.Hold+r.Late > 0
}
