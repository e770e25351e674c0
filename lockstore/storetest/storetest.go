package storetest

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A Harness opens the store under test and says what it is able to do.
type Harness struct {
	// Open gives two independent handles on one fresh and empty table, as two
	// processes would have them. It is called twice in a run, and leaves the
	// cleaning up to t.Cleanup.
	Open func(t *testing.T) (a, b lockstore.Store)

	// HasTime says that every answer tells the store's time. Without it no
	// answer may tell one.
	HasTime bool
	// TimeTolerance is how far that time may be from this machine's clock, and
	// from the answer before: Info's ClockMargin, and more where the two
	// machines' clocks differ.
	TimeTolerance time.Duration

	// TooLarge is a size of data in bytes that the store refuses; 0: none. At
	// least 300 KB must fit.
	TooLarge int

	// Seed repeats a run of the random test, which prints it; 0: a new one.
	Seed uint64
}

// Run runs the suite. It takes a few thousand requests, most of them below
// 1 KB.
func Run(t *testing.T, h Harness) {
	a, b := h.Open(t)
	shared := &rig{h: h, stores: [2]lockstore.Store{a, b}}
	for _, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"Absent", testAbsent},
		{"Create", testCreate},
		{"Conditions", testConditions},
		{"ConditionsCombined", testCombined},
		{"FailedCondition", testFailedCondition},
		{"Changes", testChanges},
		{"BigNumbers", testBigNumbers},
		{"TimeResolution", testResolution},
		{"Data", testData},
		{"DataTooLarge", testTooLarge},
		{"Delete", testDelete},
		{"Queue", testQueue},
		{"PassOn", testPassOn},
		{"Revoked", testRevoked},
		{"Keys", testKeys},
		{"Owners", testOwners},
		{"ForeignTypes", testForeign},
		{"Aliasing", testAliasing},
		{"EndedContext", testEnded},
		{"CancelledMidway", testCancelled},
		{"Time", testTime},
		{"RaceToCreate", testRaceToCreate},
		{"RaceToIncrement", testRaceToIncrement},
		{"Random", testRandom},
		{"Scan", testScan},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(shared.on(t)) })
	}
}
