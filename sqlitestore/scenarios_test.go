package sqlitestore_test

import (
	"testing"

	"github.com/kmdeveloping/dynalock/internal/scenariotest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// The scenarios that every store has to pass, each client with a handle of its
// own to the file.
func TestScenarios(t *testing.T) {
	t.Parallel()
	scenariotest.Run(t, scenariotest.Harness{RealTime: true, Table: func(t *testing.T) func() lockstore.Store {
		path := newFile(t)
		return func() lockstore.Store { return open(t, path) }
	}})
}
