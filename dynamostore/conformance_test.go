package dynamostore_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/storetest"
)

func TestConformance(t *testing.T) {
	for name, tt := range map[string]struct {
		keys   enginetest.Keys
		config dynamostore.Config
	}{
		"partition key": {},
		"sort key": {
			enginetest.Keys{Partition: "pk", Sort: "sk"},
			dynamostore.Config{PartitionKey: "pk", SortKey: "sk", SortValue: "lock"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, storetest.Harness{
				Open: func(t *testing.T) (a, b lockstore.Store) {
					table := enginetest.Table(t, enginetest.Client(t), tt.keys)
					open := func() lockstore.Store {
						s, err := dynamostore.New(enginetest.Client(t), table, tt.config)
						if err != nil {
							t.Fatal(err)
						}
						return s
					}
					return open(), open()
				},
				HasTime:       true,
				TimeTolerance: 500 * time.Millisecond,
				TooLarge:      400 << 10,
			})
		})
	}
}
