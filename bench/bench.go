package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

const (
	table     = "bench"
	realDelay = 3 * time.Millisecond // a round trip to a table in the same region, about
)

type options struct {
	only, docs  string
	quick, java bool
}

// A row is what is measured in one go.
type row struct {
	name string
	run  func(*bench) ([]figure, error)
}

var rows = []row{
	{"pair", (*bench).pairRow},
	{"line", (*bench).lineRow},
	{"crowd", (*bench).crowdRow},
	{"handover", (*bench).handOverRow},
	{"herd", (*bench).herdRow},
	{"held", (*bench).heldRow},
	{"memory", (*bench).memoryRow},
	{"dead", (*bench).deadRow},
}

func rowNames() (names []string) {
	for _, r := range rows {
		names = append(names, r.name)
	}
	return names
}

// A bench is an engine with a table, and what was measured on it.
type bench struct {
	ctx    context.Context
	quick  bool
	engine *enginetest.Engine
	db     *dynamodb.Client // without a proxy
	java   *java            // nil: not measured
	keys   int

	loads      []string // load average before each row
	figures    []figure
	trip       time.Duration // round trip of the far crowd
	crowd, far map[string][]contest
	held       [][]holding // ours and, if it was measured, Java's
}

// run measures and reports; missed is how many figures were not as wanted.
func run(o options) (missed int, err error) {
	engine, err := enginetest.Start("")
	if err != nil {
		return 0, err
	}
	defer func() { _ = engine.Stop() }()
	b := &bench{ctx: context.Background(), quick: o.quick, engine: engine, db: newSDK(engine.URL)}
	if err := newLibrary(b.db, table, false).CreateTable(b.ctx); err != nil {
		return 0, err
	}
	if o.docs != "" && o.only != "" {
		return 0, errors.New("-docs is for all rows: leave -only out")
	}
	if o.java {
		dir, err := os.MkdirTemp("", "dynalock-bench-*")
		if err != nil {
			return 0, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if b.java, err = newJava(dir); err != nil {
			return 0, fmt.Errorf("the awslabs Java client: %w; -java=false leaves it out", err)
		}
	}
	if o.only != "" && !slices.Contains(rowNames(), o.only) {
		return 0, fmt.Errorf("no row %q; there are %s", o.only, strings.Join(rowNames(), ", "))
	}
	for _, r := range rows {
		if o.only != "" && r.name != o.only {
			continue
		}
		b.loads = append(b.loads, r.name+" "+load())
		b.log("%s (load %s)", r.name, load())
		got, err := r.run(b)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", r.name, err)
		}
		b.figures = append(b.figures, got...)
	}
	b.print(os.Stdout)
	if o.docs != "" {
		err = b.writePage(o.docs)
	}
	if b.quick { // too short to judge
		return 0, err
	}
	return len(b.missed()), err
}

// A contender is a kind of worker.
type contender struct {
	name  string
	polls bool
	warm  time.Duration // that it needs more than others until it is fast
	start func(job) (*process, error)
}

// library is this library as users get it.
var library = contender{name: "queue", start: start}

func (b *bench) contenders() []contender {
	all := []contender{library, {name: "polling", polls: true, start: start}}
	if b.java != nil {
		all = append(all, b.java.contender())
	}
	return all
}

func (b *bench) newKey(name string) string {
	b.keys++
	return fmt.Sprintf("%s-%d", name, b.keys)
}

func (b *bench) log(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// load is the machine's load average, where it can be read.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// roundTrip is the median time of a read through a proxy with that delay.
func (b *bench) roundTrip(delay time.Duration) (time.Duration, error) {
	p, err := newProxy(b.engine.URL, delay)
	if err != nil {
		return 0, err
	}
	defer p.close()
	c := newLibrary(newSDK(p.url), table, false)
	l, err := c.AcquireLock(b.ctx, b.newKey("trip"))
	if err != nil {
		return 0, err
	}
	var took []time.Duration
	for range 200 {
		began := time.Now()
		if _, err := c.GetLock(b.ctx, l.Key()); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return quantile(took, 0.5), l.Release(b.ctx)
}
