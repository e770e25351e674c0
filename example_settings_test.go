package dynalock_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Locks in any store: in memory for tests, in a file for the processes of one
// machine (sqlitestore.Open), in DynamoDB with settings of its own
// (dynamostore.New).
func ExampleNew() {
	client := dynalock.New(memstore.New())
	defer client.Close(context.Background())
	lock, err := client.AcquireLock(context.Background(), "nightly-report")
	fmt.Println(lock.Held(), err)

	// A wrong setting is an error of the first call, so that clients can be made
	// where errors cannot be handled.
	broken := dynalock.New(memstore.New(), dynalock.WithLockOwnerName(""))
	_, err = broken.AcquireLock(context.Background(), "nightly-report")
	fmt.Println(err)
	// Output:
	// true <nil>
	// invalid option: WithLockOwnerName: the name is empty
}

// What all acquires of a program have in common. A call's own options win.
func ExampleWithDefaults() {
	client := dynalock.New(memstore.New(), dynalock.WithDefaults(
		dynalock.WithLease(10*time.Minute), dynalock.WaitFor(time.Second)))
	ctx := context.Background()
	for key, opts := range map[string][]dynalock.AcquireOption{
		"short": nil,
		"long":  {dynalock.WithLease(time.Hour)},
	} {
		lock, err := client.AcquireLock(ctx, key, opts...)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key, time.Until(lock.Deadline()).Round(time.Minute))
	}
	// Unordered output:
	// short 10m0s
	// long 1h0m0s
}

// Counting what locks do and cost. For OpenTelemetry there is a module with all of
// it: integrations/otellock.
func ExampleWithObserver() {
	var requests int
	client := dynalock.New(memstore.New(), dynalock.WithObserver(func(ctx context.Context, e dynalock.Event) {
		switch e.Kind {
		case dynalock.EventRequest:
			requests++
		case dynalock.EventAcquired, dynalock.EventReleased:
			fmt.Println(e.Key, e.Kind)
		case dynalock.EventLost:
			fmt.Println(e.Key, "was lost:", e.Reason)
		}
	}))
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "nightly-report")
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(requests, "requests")
	// Output:
	// nightly-report acquired
	// nightly-report released
	// 2 requests
}

// Everything ordinary is logged at debug level.
func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Value.Kind() == slog.KindDuration {
				return slog.Attr{} // or the output would be another one each time
			}
			return a
		},
	}))
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("web-1"), dynalock.WithLogger(logger))
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "nightly-report")
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=DEBUG msg="lock acquired" key=nightly-report owner=web-1
	// level=DEBUG msg="lock released" key=nightly-report owner=web-1
}

// Where the servers' clocks are known to be kept better, or worse, than half a
// second apart. A lock whose lease ended is taken over so much later.
func ExampleWithClockMargin() {
	var later time.Duration
	table := memstore.New(memstore.WithClock(func() time.Time { return time.Now().Add(later) }))
	ctx := context.Background()
	if _, err := dynalock.New(table).AcquireLock(ctx, "import", dynalock.WithLease(time.Minute)); err != nil {
		log.Fatal(err)
	}

	later = time.Minute + 30*time.Second
	for _, margin := range []time.Duration{time.Hour, 0} {
		_, err := dynalock.New(table, dynalock.WithClockMargin(margin)).AcquireLock(ctx, "import")
		fmt.Println(margin, err == nil)
	}
	// Output:
	// 1h0m0s false
	// 0s true
}

// A client that goes by no clock but its own: it takes a lock over only when it
// has seen it unchanged for a whole lease.
func ExampleObserveOnly() {
	var later time.Duration
	table := memstore.New(memstore.WithClock(func() time.Time { return time.Now().Add(later) }))
	ctx := context.Background()
	if _, err := dynalock.New(table).AcquireLock(ctx, "import", dynalock.WithLease(time.Minute)); err != nil {
		log.Fatal(err)
	}

	later = time.Hour
	info, err := dynalock.New(table, dynalock.ObserveOnly()).GetLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.State)
	info, err = dynalock.New(table).GetLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.State)
	// Output:
	// unknown yet
	// lapsed
}

// Items of locks that nobody released are kept for a week after their leases end,
// with their data, before the table's item expiry may remove them.
func ExampleWithRetention() {
	table := memstore.New()
	client := dynalock.New(table, dynalock.WithRetention(7*24*time.Hour))
	if _, err := client.AcquireLock(context.Background(), "import", dynalock.WithLease(time.Hour)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(table.Sweep(time.Now().Add(6*24*time.Hour))), "removed after six days")
	fmt.Println(len(table.Sweep(time.Now().Add(8*24*time.Hour))), "after eight")
	// Output:
	// 0 removed after six days
	// 1 after eight
}

// Tenants of one table, each of whom may use the keys of a prefix only
// (dynamodb:LeadingKeys). The record that live locks share has such a key too then.
func ExampleWithSessionKeyPrefix() {
	client := dynalock.New(memstore.New(), dynalock.WithSessionKeyPrefix("tenant-7/"))
	ctx := context.Background()
	defer client.Close(ctx)
	_, err := client.AcquireLock(ctx, "tenant-7/leader", dynalock.KeepAlive())
	fmt.Println(err)
	// Output: <nil>
}
