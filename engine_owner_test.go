package dynalock_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
)

// What the first README promised, and what users ask of locks that outlive
// their process, with real processes.
func TestEngineProcesses(t *testing.T) {
	t.Parallel()
	program := build(t, "process", "")
	together(t, map[string]func(*testing.T){
		"a killed process's lock":  func(t *testing.T) { testKilledOwner(t, program) },
		"one owner, two processes": func(t *testing.T) { testOneOwner(t, program) },
		"a handle elsewhere":       func(t *testing.T) { testHandle(t, program) },
		"eight make the table":     func(t *testing.T) { testTableAtOnce(t, program) },
	})
}

// "The lock is stored in DynamoDB and is not affected by the end of a Lambda's
// run time: another one, using the same owner name, can update or release it."
func testKilledOwner(t *testing.T, program string) {
	for name, flags := range map[string][]string{"keep": nil, "delete": {"-delete"}} {
		t.Run(name, func(t *testing.T) {
			e := newEngineTable(t)
			first := e.start(t, program, "lambda", append(flags, "-data", "one", "acquire", "stay")...)
			taken := first.goes("acquire")
			first.goes("stay")
			first.kill()
			was := e.item("k")

			stranger := e.start(t, program, "other", "-data", "stolen", "acquire", "release-key", "update-key", "resume")
			stranger.fails("acquire", "ErrHeld")
			for _, step := range []string{"release-key", "update-key", "resume"} {
				stranger.fails(step, "ErrOwnerMismatch")
			}
			stranger.ends()
			e.unchanged("k", was)

			second := e.start(t, program, "lambda", "-data", "two", "update-key", "resume", "held", "release-key", "release-key")
			second.goes("update-key")
			resumed := second.goes("resume")
			if resumed.Token <= taken.Token || resumed.Data != "two" || resumed.Owner != "lambda" {
				t.Errorf("resumed %+v after token %d", resumed, taken.Token)
			}
			if !second.goes("held").Held {
				t.Error("the resumed lock is not held")
			}
			second.goes("release-key")
			second.goes("release-key") // of a lock that nobody holds: nothing to do
			second.ends()
			if it := e.item("k"); flags != nil && it != nil || !e.free("k") {
				t.Errorf("after the release: %s", showItem(it))
			}
			e.start(t, program, "other", "acquire").goes("acquire")
		})
	}
}

// The owner name is a label: of two processes that have the same one, only one
// may hold (A11).
func testOneOwner(t *testing.T, program string) {
	const attempts = 200
	e := newEngineTable(t)
	var processes []*process
	for range 2 {
		p := e.start(t, program, "web-1", "-attempts", "200", "-pause", "3ms", "stay", "contend")
		p.goes("stay")
		processes = append(processes, p)
	}
	reports := make([][]processReport, len(processes))
	var reading sync.WaitGroup
	for i, p := range processes {
		p.resume()
		reading.Go(func() {
			for p.out.Scan() {
				reports[i] = append(reports[i], p.decode())
			}
		})
	}
	reading.Wait()
	var held []processReport
	for i, p := range processes {
		p.ends()
		refused := 0
		for _, r := range reports[i] {
			switch {
			case r.Error == "":
				held = append(held, r)
			case r.matches("ErrHeld"):
				refused++
			default:
				t.Errorf("process %d: %+v", i, r)
			}
		}
		if len(reports[i]) != attempts || refused == 0 || refused == attempts {
			t.Errorf("process %d: %d reports, %d refusals: did they compete?", i, len(reports[i]), refused)
		}
	}
	noOverlap(t, held)
}

// noOverlap fails the test if two intervals of belief have a moment in common,
// or a later one has a token that is not higher.
func noOverlap(t *testing.T, held []processReport) {
	t.Helper()
	// A handle that was lost before its first look has no interval.
	held = slices.DeleteFunc(slices.Clone(held), func(r processReport) bool { return r.From == 0 })
	slices.SortFunc(held, func(a, b processReport) int { return int(a.From - b.From) })
	for i, r := range held[min(1, len(held)):] {
		before := held[i]
		if r.From <= before.To {
			t.Errorf("two believe for %d ns: %+v and %+v", before.To-r.From, before, r)
		}
		if r.Token <= before.Token {
			t.Errorf("token %d after %d", r.Token, before.Token)
		}
	}
}

// D2: many that start at once may all make the table, and it is made once.
func testTableAtOnce(t *testing.T, program string) {
	e := newEngineTable(t) // for its client: the table to make is another one
	e.name += "-new"
	t.Cleanup(func() { _, _ = e.db.DeleteTable(ever, &dynamodb.DeleteTableInput{TableName: &e.name}) })
	var processes []*process
	for range 8 {
		p := e.start(t, program, "o", "stay", "table", "table")
		p.goes("stay")
		processes = append(processes, p)
	}
	for _, p := range processes {
		p.resume()
	}
	for _, p := range processes {
		p.goes("table")
		p.goes("table") // it exists by now
		p.ends()
	}
	ttl, err := e.db.DescribeTimeToLive(ever, &dynamodb.DescribeTimeToLiveInput{TableName: &e.name})
	if err != nil {
		t.Fatal(err)
	}
	if status := ttl.TimeToLiveDescription.TimeToLiveStatus; status != types.TimeToLiveStatusEnabled {
		t.Errorf("item expiry is %s", status)
	}
	l, err := e.client("o").AcquireLock(ever, "k", dynalock.WithLease(shortLease))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(ever); err != nil {
		t.Error(err)
	}
}
