// Bench measures dynalock against the bare SDK on a local DynamoDB engine and
// prints a table: make bench. Ratios are measured side by side in one run, in
// batches that take turns; absolute times on a shared machine say little.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

func main() {
	batches := flag.Int("batches", 60, "batches of each kind; an odd number makes the median one of them")
	pairs := flag.Int("pairs", 100, "pairs of acquire and release in a batch")
	locks := flag.Int("locks", 10_000, "locks held at once for the memory figure")
	flag.Parse()
	if err := run(*batches, *pairs, *locks); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A rig is an engine, a table and a client whose requests are counted.
type rig struct {
	ctx      context.Context
	db       *dynamodb.Client
	requests *counter
}

// A report is a row of the table.
type report struct{ work, measured, wanted string }

func run(batches, pairs, locks int) error {
	engine, err := enginetest.Start("")
	if err != nil {
		return err
	}
	defer func() { _ = engine.Stop() }()
	requests := &counter{next: &http.Transport{MaxIdleConnsPerHost: 64}}
	r := &rig{
		ctx:      context.Background(),
		db:       enginetest.NewClient(engine.URL, &http.Client{Transport: requests}),
		requests: requests,
	}
	if err := dynalock.NewDynalockClient(r.db, table).CreateTable(r.ctx); err != nil {
		return err
	}
	fmt.Printf("dynoxide %s, %s, %s/%s, %d CPUs, %s\n\n", enginetest.Version, runtime.Version(),
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	var rows []report
	for _, measure := range []func() ([]report, error){
		func() ([]report, error) { return r.counts() },
		func() ([]report, error) { return r.pairs(batches, pairs) },
		func() ([]report, error) { return r.memory(locks) },
	} {
		got, err := measure()
		if err != nil {
			return err
		}
		rows = append(rows, got...)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\tmeasured\twanted")
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", row.work, row.measured, row.wanted)
	}
	return w.Flush()
}

// A counter counts the requests that leave, by kind.
type counter struct {
	next          http.RoundTripper
	writes, reads atomic.Int64
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.Header.Get("X-Amz-Target") {
	case "DynamoDB_20120810.UpdateItem", "DynamoDB_20120810.DeleteItem":
		c.writes.Add(1)
	case "DynamoDB_20120810.GetItem", "DynamoDB_20120810.Scan":
		c.reads.Add(1)
	}
	return c.next.RoundTrip(r)
}

// during counts the requests that f sends.
func (c *counter) during(f func() error) (writes, reads int64, err error) {
	w, r := c.writes.Load(), c.reads.Load()
	err = f()
	return c.writes.Load() - w, c.reads.Load() - r, err
}
