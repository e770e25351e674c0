package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A duration is a flag's time span: Go's notation, and days (30d).
type duration struct{ d *time.Duration }

func (v duration) String() string {
	if v.d == nil || *v.d == 0 {
		return ""
	}
	return short(*v.d)
}

func (v duration) Type() string { return "duration" }

func (v duration) Set(text string) error {
	d, err := parseDuration(text)
	if err != nil {
		return err
	}
	*v.d = d
	return nil
}

// maxDuration is more than any flag means, and less than arithmetic with times
// can go wrong by.
const maxDuration = 36500 * 24 * time.Hour

// parseDuration takes spans from none to maxDuration.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		// Compared this way round, NaN is refused too.
		if err != nil || !(n >= 0 && n <= maxDuration.Hours()/24) {
			return 0, errNoDuration
		}
		return time.Duration(n * float64(24*time.Hour)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxDuration {
		return 0, errNoDuration
	}
	return d, nil
}

var errNoDuration = errors.New("not a time span such as 500ms, 20s, 5m, 2h or 30d")

func durationVar(fs *pflag.FlagSet, d *time.Duration, name, usage string) {
	fs.Var(duration{d}, name, usage)
}

// short writes a span the way people do: 2m, not 2m0s.
func short(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// rough is a span for reading, to no more than is of use.
func rough(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return short(d.Round(time.Second))
	case d < 48*time.Hour:
		return short(d.Round(time.Minute))
	}
	return strconv.FormatInt(int64(d.Hours()/24), 10) + "d"
}
