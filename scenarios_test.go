package dynalock_test

import (
	"testing"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/internal/scenariotest"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// The scenarios that every store has to pass, on a table in memory and in fake
// time.
func TestScenariosInMemory(t *testing.T) {
	scenariotest.Run(t, scenariotest.Harness{Table: func(*testing.T) func() lockstore.Store {
		table := memstore.New()
		return func() lockstore.Store { return table }
	}})
}

// The same on an engine, in real time.
func TestEngineScenarios(t *testing.T) {
	t.Parallel()
	scenariotest.Run(t, scenariotest.Harness{RealTime: true, Table: func(t *testing.T) func() lockstore.Store {
		name := enginetest.Table(t, enginetest.Client(t))
		return func() lockstore.Store {
			s, err := dynamostore.New(enginetest.Client(t), name, dynamostore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}})
}
