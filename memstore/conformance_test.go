package memstore_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/storetest"
	"github.com/kmdeveloping/dynalock/memstore"
)

func TestConformance(t *testing.T) {
	for name, tt := range map[string]struct {
		opts   []memstore.Option
		noTime bool
	}{
		"exact time":    {},
		"whole seconds": {opts: []memstore.Option{memstore.WithDateResolution(time.Second)}},
		"no time":       {opts: []memstore.Option{memstore.WithoutTime()}, noTime: true},
		"small pages":   {opts: []memstore.Option{memstore.WithPageSize(3)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, storetest.Harness{
				Open: func(*testing.T) (a, b lockstore.Store) {
					s := memstore.New(tt.opts...)
					return s, s
				},
				HasTime:       !tt.noTime,
				TimeTolerance: 100 * time.Millisecond, // for clocks that are set meanwhile
				TooLarge:      400 << 10,
			})
		})
	}
}
