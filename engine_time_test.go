package dynalock_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// A client's first request is sent before it knows the store's time, which
// DynamoDB tells to the second only. Whatever the moment within that second,
// the lock is held for about as long as was asked for.
func TestEngineFirstAcquireWithShortLease(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for phase := time.Duration(0); phase < time.Second; phase += 125 * time.Millisecond {
		tests[fmt.Sprint(phase)] = func(t *testing.T) {
			e := newEngineTable(t)
			w := e.wired("o", 1)
			into := time.Duration(time.Now().Nanosecond())
			time.Sleep((time.Second + phase - into) % time.Second) // real time: the phase is the point
			began := time.Now()
			l, err := w.AcquireLock(ever, "k", dynalock.WithLease(shortLease))
			if err != nil {
				t.Fatal(err)
			}
			if lasts := l.Deadline().Sub(began); lasts < shortLease*9/10 {
				t.Errorf("held for %v of %v", lasts, shortLease)
			}
			if got := w.wire.Steps(); !slices.Equal(got, []string{"acquire"}) {
				t.Errorf("requests %q", got)
			}
		}
	}
	together(t, tests)
}
