package protocol

import (
	"math"
	"time"
)

// Drift bounds the rate error of a local clock against the store's: 600 ppm,
// a little more than the 500 ppm that NTP corrects at most.
const Drift = 600e-6

// A Moment is one reading of both local clocks. Neither is trusted alone: the
// monotonic clock stands still while a machine is suspended, the wall clock
// jumps when somebody sets it.
type Moment struct {
	Mono time.Duration // since some fixed start
	Wall time.Time
}

// least and most give how much time can have passed between two moments, by
// the slower and by the faster of the two clocks.
func (m Moment) least(earlier Moment) time.Duration {
	return min(m.Mono-earlier.Mono, m.Wall.Sub(earlier.Wall))
}

func (m Moment) most(earlier Moment) time.Duration {
	return max(m.Mono-earlier.Mono, m.Wall.Sub(earlier.Wall))
}

func drift(d time.Duration) time.Duration {
	if d < 0 {
		d = -d
	}
	return time.Duration(float64(d) * Drift)
}

// plus is a sum that stays at the longest or shortest time instead of becoming
// its opposite.
func plus(a, b time.Duration) time.Duration {
	switch sum := a + b; {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	default:
		return sum
	}
}
