package protocol_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// Scripts are how the rules are written down here. A line is a command and,
// behind "->", what it must answer. Times of the store are told as the time
// since its start, at which both local clocks are right:
//
//	pass 10s            both local clocks go on by that
//	suspend 1h          only the wall clock does: the machine sleeps
//	stand 1h            only the monotonic clock does: the wall clock stands
//	jump -5s            somebody sets the wall clock
//	margin 500ms        the store's servers may differ by that (start of a script)
//	answer 10s..11s     a request is answered, with these bounds; "in 2s" makes
//	                    it take that long. -> "later" if beliefs must be looked at
//	bounds              -> what is known of the store's clock, and whether it is
//	                    fresh enough to end a lease by
//	write 10s           a renewal with that lease is sent now, and confirmed;
//	                    "until 20s" says what it wrote where that is not by rule
//	left                -> how long the holder may believe
//	see RECORD          a record is seen (records: see record_test.go)
//	judge, takeable     -> what the one who saw it makes of it now
//	turn 1              -> when one at that place of its queue may take it over
//	blind               from here on without the store's clock
type script struct {
	now    protocol.Moment
	bounds protocol.Bounds
	belief protocol.Belief
	seen   protocol.Observation
	record *lockstore.Record
	blind  bool // judge without the store's clock
}

// start is the store's time at the beginning of each script.
var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// run carries a script out and compares what its lines answer.
func run(t *testing.T, text string) {
	t.Helper()
	s := &script{now: protocol.Moment{Mono: time.Hour, Wall: start}, bounds: protocol.NewBounds(0)}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		command, want, _ := strings.Cut(line, "->")
		words := strings.Fields(command)
		if len(words) == 0 {
			continue
		}
		want = strings.TrimSpace(want)
		if got := s.do(words[0], words[1:]); got != want {
			t.Errorf("line %d: %s\n got %q\nwant %q", i, strings.TrimSpace(command), got, want)
		}
	}
}

func (s *script) do(command string, args []string) string {
	switch command {
	case "pass":
		s.now = later(s.now, dur(args[0]), dur(args[0]))
	case "suspend":
		s.now = later(s.now, 0, dur(args[0]))
	case "stand":
		s.now = later(s.now, dur(args[0]), 0)
	case "jump":
		s.now.Wall = s.now.Wall.Add(dur(args[0]))
	case "margin":
		s.bounds = protocol.NewBounds(dur(args[0]))
	case "answer":
		return s.answer(args)
	case "bounds":
		return s.showBounds()
	case "write":
		promise := protocol.NewPromise(s.now, &s.bounds, dur(args[0]), time.Time{}, 0)
		s.belief = promise.Belief(s.now)
		if len(args) == 3 {
			s.belief.Expires = start.Add(dur(args[2]))
		}
	case "left":
		return show(s.belief.Left(s.now, &s.bounds))
	case "see":
		s.record = parse(strings.Join(args, " "))
		if s.seen.See(s.record, s.now) {
			return "changed"
		}
	case "judge":
		return string(protocol.Judge(s.record, &s.seen, s.eyes(), s.now))
	case "takeable":
		return show(protocol.Takeable(s.record, &s.seen, s.eyes(), s.now))
	case "turn":
		place, err := strconv.Atoi(args[0])
		if err != nil {
			panic(err)
		}
		return show(protocol.Turn(s.record, place, &s.seen, s.eyes(), s.now))
	case "blind":
		s.blind = true
	default:
		panic("unknown command " + command)
	}
	return ""
}

// answer is "10s..11s", and "in 2s" behind it.
func (s *script) answer(args []string) string {
	asked := s.now
	if len(args) == 3 {
		s.now = later(s.now, dur(args[2]), dur(args[2]))
	}
	var told lockstore.TimeBounds
	if from, to, ok := strings.Cut(args[0], ".."); ok {
		told = timeBounds(dur(from), dur(to))
	}
	if s.bounds.Observe(asked, s.now, told) {
		return "later"
	}
	return ""
}

func timeBounds(from, to time.Duration) lockstore.TimeBounds {
	return lockstore.TimeBounds{Earliest: start.Add(from), Latest: start.Add(to)}
}

func (s *script) showBounds() string {
	if !s.bounds.Known() {
		return "unknown"
	}
	text := show(s.bounds.Earliest(s.now).Sub(start)) + ".." + show(s.bounds.Latest(s.now).Sub(start))
	if s.bounds.Latest(s.now).Sub(s.bounds.Earliest(s.now)) != s.bounds.Width(s.now) {
		text += " of another width"
	}
	if !s.bounds.Fresh(s.now) {
		text += " stale"
	}
	return text
}

func (s *script) eyes() *protocol.Bounds {
	if s.blind {
		return nil
	}
	return &s.bounds
}

func later(m protocol.Moment, mono, wall time.Duration) protocol.Moment {
	return protocol.Moment{Mono: m.Mono + mono, Wall: m.Wall.Add(wall)}
}

func dur(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d
}

// show rounds to the tenth of a millisecond: finer is not what rules are about.
func show(d time.Duration) string {
	if d == protocol.Forever {
		return "forever"
	}
	return fmt.Sprint(d.Round(100 * time.Microsecond))
}
