package history

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const ms = int64(time.Millisecond)

// A script makes histories by hand. Times are in ms.
type script struct {
	events []Event
	calls  int64
}

func (s *script) add(e Event) {
	e.At, e.From, e.Until = e.At*ms, e.From*ms, e.Until*ms
	e.Owner, _, _ = strings.Cut(e.Process, ".")
	if e.Key == "" && e.Kind != Stop && e.Kind != Cont && e.Kind != Kill {
		e.Key = "k"
	}
	s.events = append(s.events, e)
}

// call adds a call from one time to another; to 0: it is never answered.
func (s *script) call(from, to int64, e Event) int64 {
	s.calls++
	e.Call, e.Kind, e.At = s.calls, Begin, from
	outcome := e
	e.Outcome, e.Handle, e.Token, e.TookOver = "", 0, 0, false
	if e.Op != Acquire && e.Op != Resume {
		e.Handle, e.Token = outcome.Handle, outcome.Token
	}
	s.add(e)
	if to != 0 {
		outcome.Kind, outcome.From, outcome.At = End, from, to
		s.add(outcome)
	}
	return s.calls
}

// has adds an acquire of a live lock with a lease of a second, and looks at it.
func (s *script) has(process string, token uint64, from, to int64, looks ...int64) *script {
	s.call(from, to, Event{Process: process, Op: Acquire, Outcome: OK, Handle: int64(token), Token: token, Live: true, Lease: 1000 * ms})
	return s.looks(process, token, looks...)
}

func (s *script) looks(process string, token uint64, looks ...int64) *script {
	for _, at := range looks {
		s.add(Event{Kind: Held, Process: process, From: at, At: at + 1, Until: at + 1000, Handle: int64(token), Token: token})
	}
	return s
}

func (s *script) releases(process string, token uint64, from, to int64) *script {
	s.call(from, to, Event{Process: process, Op: Release, Outcome: OK, Handle: int64(token), Token: token})
	return s
}

func (s *script) refused(process string, from, to int64, by string, token uint64) *script {
	s.call(from, to, Event{Process: process, Op: Acquire, Outcome: Refused, Holder: by, HolderToken: token})
	return s
}

func (s *script) unanswered(op, process string, from, to int64) *script {
	s.call(from, to, Event{Process: process, Op: op, Outcome: Unknown})
	return s
}

func (s *script) twice(process string, at int64) *script {
	s.add(Event{Kind: Faulty, Op: "twice", Process: process, From: at, At: at})
	return s
}

func (s *script) waited(process string, from, to int64, by string, token uint64) *script {
	s.call(from, to, Event{Process: process, Op: Acquire, Waits: true, Outcome: Refused, Holder: by, HolderToken: token})
	return s
}

// takes is has of a lock whose holder's lease had ended.
func (s *script) takes(process string, token uint64, from, to int64, looks ...int64) *script {
	n := len(s.events)
	s.has(process, token, from, to, looks...)
	s.events[n+1].TookOver = true
	return s
}

func (s *script) event(kind Kind, process string, from, at int64) *script {
	s.add(Event{Kind: kind, Process: process, From: from, At: at})
	return s
}

func (s *script) byName(op, process string, from, to int64) *script {
	s.call(from, to, Event{Process: process, Op: op, Outcome: OK})
	return s
}

var plain = Options{Deleting: func(string) bool { return false }}

// judge gives all that is found, by what finds it.
func judge(s *script, o Options) map[string]int {
	h, found := New(s.events), map[string]int{}
	note := func(what string, f []Finding) {
		if len(f) > 0 {
			found[what] = len(f)
		}
	}
	note("overlap", h.Overlaps(o))
	note("promise", h.Promises(o))
	note("token", h.Tokens(o))
	note("error", h.Errors())
	_, _, causes := h.Causes(o)
	note("cause", causes)
	for _, v := range h.Linearize(o, time.Second) {
		if v.Result != porcupine.Ok {
			found["model"]++
		}
	}
	return found
}

// What must be found in histories that no lock may have, and nothing in those
// that one may.
func TestJudge(t *testing.T) {
	tests := map[string]struct {
		s    *script
		o    Options
		want []string
	}{
		"one after the other": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).releases("a.1", 1, 60, 70).has("b.1", 2, 65, 80, 81, 90)},
		"refused while it is held": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).refused("b.1", 20, 30, "a", 1)},
		"refused with a token that is reserved": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).refused("b.1", 20, 30, "a", 17).releases("a.1", 1, 60, 70).has("a.1", 17, 65, 75, 76)},
		"refused with a token that is too high": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).refused("b.1", 20, 30, "a", 18).releases("a.1", 1, 60, 70).has("a.1", 18, 65, 75, 76), want: []string{"model"}},
		"refused after the release": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).releases("a.1", 1, 60, 70).refused("b.1", 80, 90, "a", 1), want: []string{"model"}},
		"gave up waiting, and saw nothing newer": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).releases("a.1", 1, 60, 70).waited("b.1", 80, 90, "a", 1)},
		"refused by nobody known": {s: new(script).refused("b.1", 80, 90, "c", 5)},
		"two believe": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).has("b.1", 2, 20, 30, 31, 60), want: []string{"overlap", "promise", "model"}},
		"two believe at one moment, one of them frozen later": {s: new(script).
			has("a.1", 1, 0, 10, 11, 31).event(Stop, "a.1", 32, 32).has("b.1", 2, 20, 30, 31), want: []string{"overlap", "promise", "model"}},
		"taken before the promise ended": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).event(Kill, "a.1", 60, 61).takes("b.1", 2, 70, 800, 801), want: []string{"promise", "model"}},
		"taken after the promise ended": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).event(Kill, "a.1", 60, 61).takes("b.1", 2, 70, 1100, 1101)},
		"taken, and its holder was well": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).takes("b.1", 2, 70, 1100, 1101), want: []string{"cause"}},
		"taken from one that was stopped": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).event(Stop, "a.1", 60, 60).takes("b.1", 2, 70, 1100, 1101).event(Cont, "a.1", 1200, 1200)},
		"token going back": {s: new(script).
			has("a.1", 5, 0, 10, 11, 50).releases("a.1", 5, 60, 70).has("b.1", 4, 75, 80, 81), want: []string{"token", "promise", "model"}},
		"one token twice": {s: new(script).
			has("a.1", 5, 0, 10, 11, 50).releases("a.1", 5, 60, 70).has("b.1", 5, 75, 80, 81), want: []string{"token", "model"}},
		"ended by name after a kill": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).event(Kill, "a.1", 60, 61).byName(ReleaseKey, "a.2", 100, 110).has("b.1", 2, 120, 130, 131)},
		"ended by name, perhaps": {s: new(script).has("a.1", 1, 0, 10, 11, 50).event(Kill, "a.1", 60, 61).
			unanswered(ReleaseKey, "a.2", 100, 110).has("b.1", 2, 120, 130, 131)},
		"ended by name before, perhaps": {s: new(script).has("a.1", 1, 0, 10, 11, 50).event(Kill, "a.1", 60, 61).
			unanswered(ReleaseKey, "a.2", 200, 210).has("b.1", 2, 120, 130, 131), want: []string{"promise", "model"}},
		"ended by another's name": {s: new(script).
			has("a.1", 1, 0, 10, 11, 50).event(Kill, "a.1", 60, 61).byName(ReleaseKey, "c.2", 100, 110).has("b.1", 2, 120, 130, 131), want: []string{"promise", "model"}},
		"killed before the answer": {s: new(script).
			has("b.1", 2, 0, 30, 31).releases("b.1", 2, 40, 50).pending("a.1", 20).event(Kill, "a.1", 60, 61).takes("b.1", 9, 70, 1100, 1101)},
		"taken from nobody": {s: new(script).
			has("b.1", 2, 0, 30, 31).releases("b.1", 2, 40, 50).takes("b.1", 9, 70, 1100, 1101), want: []string{"cause"}},
		"taken from a copy": {s: new(script).
			has("b.1", 2, 0, 30, 31).releases("b.1", 2, 40, 50).twice("b.1", 10).takes("b.1", 9, 70, 1100, 1101)},
		"forced, and it believed for a while": {o: Options{Named: true, Deleting: plain.Deleting}, s: new(script).
			has("a.1", 1, 0, 10, 11, 150).byName(Force, "c.1", 20, 30).has("b.1", 2, 20, 40, 41, 60)},
		"forced, and it believed for too long": {o: Options{Named: true, Deleting: plain.Deleting}, s: new(script).
			has("a.1", 1, 0, 10, 11, 3500).byName(Force, "c.1", 20, 30).has("b.1", 2, 20, 40, 41, 60), want: []string{"overlap"}},
		"two believe, and nobody forced": {o: Options{Named: true, Deleting: plain.Deleting}, s: new(script).
			has("a.1", 1, 0, 10, 11, 150).has("b.1", 2, 20, 40, 41, 60), want: []string{"overlap"}},
		"lost without a cause":       {s: new(script).has("a.1", 1, 0, 10, 11, 50).lost("a.1", 1, 100, "expired"), want: []string{"cause"}},
		"forced where nobody may":    {s: new(script).has("a.1", 1, 0, 10, 11, 50).lost("a.1", 1, 100, "forced"), want: []string{"cause"}},
		"an error that may not be":   {s: new(script).broken("a.1", 1, 10), want: []string{"error"}},
		"shortened, and taken early": {s: new(script).has("a.1", 1, 0, 10, 11).extends("a.1", 1, 20, 30).has("b.1", 2, 40, 100).event(Stop, "a.1", 31, 31)},
		"kept by HoldAtLeast":        {s: new(script).holds("a.1", 1, 500).releases("a.1", 1, 60, 70).has("b.1", 2, 80, 510, 511)},
		"kept, and nobody's any more": {s: new(script).holds("a.1", 1, 500).releases("a.1", 1, 60, 70).
			byName(ReleaseKey, "b.1", 80, 90).refused("c.1", 100, 110, "a", 1)},
		"kept, and released by name after a kill": {s: new(script).holds("a.1", 1, 300).looks("a.1", 1, 11).event(Kill, "a.1", 60, 61).
			byName(ReleaseKey, "a.2", 80, 90).refused("c.1", 100, 110, "a", 1).has("b.1", 2, 100, 400, 401)},
		"held for a while at least, and another releases it": {s: new(script).holds("a.1", 1, 500).
			byName(ReleaseKey, "b.1", 30, 40).releases("a.1", 1, 60, 70), want: []string{"model"}},
		"not kept though HoldAtLeast": {s: new(script).holds("a.1", 1, 500).releases("a.1", 1, 60, 70).has("b.1", 2, 80, 90, 91), want: []string{"promise", "model"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.o.Deleting == nil {
				test.o = plain
			}
			found := judge(test.s, test.o)
			for _, want := range test.want {
				if found[want] == 0 {
					t.Errorf("no %s is found", want)
				}
				delete(found, want)
			}
			if len(found) > 0 {
				t.Errorf("found also %v", found)
			}
		})
	}
}

func (s *script) pending(process string, from int64) *script {
	s.call(from, 0, Event{Process: process, Op: Acquire})
	return s
}

func (s *script) lost(process string, token uint64, at int64, reason string) *script {
	s.add(Event{Kind: Lost, Process: process, From: at, At: at, Handle: int64(token), Token: token, Reason: reason})
	return s
}

func (s *script) broken(process string, from, to int64) *script {
	s.call(from, to, Event{Process: process, Op: Acquire, Outcome: Broken, Error: "oh"})
	return s
}

func (s *script) extends(process string, token uint64, from, to int64) *script {
	s.call(from, to, Event{Process: process, Op: Extend, Outcome: OK, Handle: int64(token), Token: token})
	return s
}

func (s *script) holds(process string, token uint64, atLeast int64) *script {
	s.call(0, 10, Event{Process: process, Op: Acquire, Outcome: OK, Handle: int64(token), Token: token, Lease: 1000 * ms, AtLeast: atLeast * ms})
	return s
}

// write adds an update of a register.
func (s *script) write(id, prev, outcome string) *script {
	s.call(0, 1, Event{Process: "a.1", Op: Write, Register: "r", ID: id, Prev: prev, Outcome: outcome})
	return s
}

func TestRegisters(t *testing.T) {
	for name, test := range map[string]struct {
		s    *script
		last string
		want Register
	}{
		"a chain":           {new(script).write("1", "", OK).write("2", "1", OK), "2", Register{Applied: 2}},
		"unknown, not made": {new(script).write("1", "", OK).write("2", "1", Unknown), "1", Register{Applied: 1, Unknown: 1}},
		"unknown, made":     {new(script).write("1", "", OK).write("2", "1", Unknown).write("3", "2", OK), "3", Register{Applied: 2, Unknown: 1}},
		"refused":           {new(script).write("1", "", OK).write("2", "", Refused), "1", Register{Applied: 1, Refused: 1}},
		"lost":              {new(script).write("1", "", OK).write("2", "", OK), "2", Register{Applied: 2, Lost: 1}},
		"lost at the end":   {new(script).write("1", "", OK).write("2", "1", OK), "1", Register{Applied: 2, Lost: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got := New(test.s.events).Registers(map[string]string{"r": test.last})
			if len(got) != 1 || len(got[0].Findings) != test.want.Lost {
				t.Fatalf("%+v", got)
			}
			got[0].Findings, test.want.Name = nil, "r"
			if fmt.Sprint(got[0]) != fmt.Sprint(test.want) {
				t.Errorf("%+v, want %+v", got[0], test.want)
			}
		})
	}
	got := New(new(script).write("1", "", Refused).events).Registers(map[string]string{"r": "1"})
	if len(got[0].Findings) != 1 {
		t.Errorf("an update that was refused is there: %+v", got)
	}
	got = New(new(script).write("1", "", OK).events).Registers(map[string]string{"r": "9"})
	if len(got[0].Findings) != 2 {
		t.Errorf("an update that nobody made: %+v", got)
	}
}

// What is written is read again, save for half a line of a killed process.
func TestLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.1.jsonl")
	l, err := NewLog(path, "a.1", "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range new(script).has("a.1", 1, 0, 10, 11, 50).events {
		l.Add(e)
	}
	l.Add(Event{Kind: Begin, Op: Close, Call: 9})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	tear(t, path)
	events, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(events); n != 5 || events[4].Process != "a.1" || events[4].Owner != "a" || events[4].At == 0 {
		t.Fatalf("%d events: %+v", n, events)
	}
	var text strings.Builder
	if err := New(events).Timeline(&text, "k", false); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(text.String(), "\n"); len(lines) != 6 || !strings.Contains(text.String(), "token 1") {
		t.Errorf("the timeline is\n%s", text.String())
	}
	tear(t, path)
	tear(t, path)
	if _, err := Read(dir); err == nil {
		t.Error("a torn line in the middle is not noticed")
	}
}

// tear adds half a line.
func tear(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("{\"at\":1,\"kind\"\n")
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
}

func TestDraw(t *testing.T) {
	s := new(script).has("a.1", 1, 0, 10, 11, 50).has("b.1", 2, 20, 30, 31, 60)
	all := New(s.events).Linearize(plain, time.Second)
	path := filepath.Join(t.TempDir(), "k.html")
	if err := all[0].Draw(path); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(page), "acquire b 2") {
		t.Errorf("%v, %d bytes", err, len(page))
	}
}

// The clock goes forward, and is the one of the whole machine.
func TestNow(t *testing.T) {
	a := Now()
	if b := Now(); b < a || a == 0 {
		t.Errorf("%d after %d", b, a)
	}
}
