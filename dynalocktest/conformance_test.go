package dynalocktest

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/storetest"
)

// Where nothing goes wrong, what a client gets is a store as any other.
func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(t *testing.T) (a, b lockstore.Store) {
			table := New(t)
			return &port{table, [2]*Link{newLink(t), table.Link}}, &port{table, [2]*Link{newLink(t), table.Link}}
		},
		HasTime:       true,
		TimeTolerance: 100 * time.Millisecond, // for clocks that are set meanwhile
		TooLarge:      400 << 10,
	})
}
