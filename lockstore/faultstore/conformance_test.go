package faultstore_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/lockstore/storetest"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Without faults it is the store that it wraps.
func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(t *testing.T) (a, b lockstore.Store) {
			mem := memstore.New()
			x, y := faultstore.New(mem), faultstore.New(mem)
			t.Cleanup(x.Close)
			t.Cleanup(y.Close)
			return x, y
		},
		HasTime:       true,
		TimeTolerance: 100 * time.Millisecond, // for clocks that are set meanwhile
		TooLarge:      400 << 10,
	})
}
