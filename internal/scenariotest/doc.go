// Package scenariotest is the suite of what users of distributed locks report:
// how waiting, renewals, queues, throttling and closing behave, on any store.
//
//	scenariotest.Run(t, scenariotest.Harness{Table: func(t *testing.T) func() lockstore.Store {
//		table := memstore.New()
//		return func() lockstore.Store { return table }
//	}})
//
// Every client of a scenario has a connection of its own, through a faultstore
// that cuts, delays and throttles it. A store whose time can be fake runs each
// scenario in a testing/synctest bubble, with many clients and exact times. One
// that needs real time (Harness.RealTime) runs the same with fewer clients and
// shorter leases: limits upwards are generous then, for busy machines, while
// orders, counts and overlaps are exact in both.
//
// Whatever the scenario, no two tenures of one lock may be believed at once.
package scenariotest
