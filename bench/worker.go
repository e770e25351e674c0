package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/internal/hook"
)

// workerCommand makes this program one of the processes that a row needs.
const workerCommand = "worker"

// A job is what a worker does: the second argument of the worker command.
type job struct {
	Kind   string        `json:"kind"` // see work
	Who    int           `json:"who"`
	URL    string        `json:"url"`
	Table  string        `json:"table"`
	Key    string        `json:"key"`
	Polls  bool          `json:"polls"` // without queue, line and session
	Count  int           `json:"count"` // goroutines of kind wait, locks of kind many
	Hold   time.Duration `json:"hold"`
	Lease  time.Duration `json:"lease"` // 0: the default
	Period time.Duration `json:"period"`
}

// A grant is one time that a worker had the lock. Times are of the wall clock,
// in ns: all processes are on one machine.
type grant struct {
	Who      int    `json:"who"`
	N        int    `json:"n"`
	Asked    int64  `json:"asked"`
	Got      int64  `json:"got"`
	Released int64  `json:"released"` // when Release was called
	Done     int64  `json:"done"`     // when it returned
	Token    uint64 `json:"token"`
}

// A said is a line that a worker prints.
type said struct {
	Event string  `json:"event"` // ready, grant, cpu, held, end, error
	Grant *grant  `json:"grant,omitempty"`
	CPU   float64 `json:"cpu,omitempty"` // seconds
	Held  *held   `json:"held,omitempty"`
	Error string  `json:"error,omitempty"`
}

// A worker reads commands, one a line, and ends when there are no more: so it
// cannot outlive who started it.
type worker struct {
	job
	client *dynalock.Client
	stop   atomic.Bool
	ctx    context.Context // ends with the input
	end    context.CancelFunc
	more   chan struct{} // closed when kind many may take the rest

	mu    sync.Mutex
	out   *bufio.Writer
	locks []*dynalock.Lock // of kind many
}

// work is the main function of a worker.
func work(text string) error {
	w := &worker{out: bufio.NewWriter(os.Stdout), more: make(chan struct{})}
	if err := json.Unmarshal([]byte(text), &w.job); err != nil {
		return err
	}
	w.client = newLibrary(newSDK(w.URL), w.Table, w.Polls)
	w.ctx, w.end = context.WithCancel(context.Background())
	w.say(said{Event: "ready"})
	in := bufio.NewScanner(os.Stdin)
	var busy sync.WaitGroup
	for in.Scan() {
		switch in.Text() {
		case "go":
			busy.Go(func() {
				if err := w.do(); err != nil && w.ctx.Err() == nil {
					w.say(said{Event: "error", Error: err.Error()})
				}
			})
		case "cpu":
			seconds, err := cpuSeconds()
			if err != nil {
				return err
			}
			w.say(said{Event: "cpu", CPU: seconds})
		case "more":
			close(w.more)
		case "held":
			w.say(said{Event: "held", Held: w.inventory()})
		case "stop":
			w.stop.Store(true)
			busy.Wait()
			w.say(said{Event: "end"})
		}
	}
	w.end()
	busy.Wait()
	return nil
}

func (w *worker) say(s said) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, _ := json.Marshal(s) // plain fields
	_, _ = w.out.Write(append(text, '\n'))
	_ = w.out.Flush()
}

func (w *worker) do() error {
	switch w.Kind {
	case "loop":
		return w.loop()
	case "wait":
		return w.wait()
	case "keep":
		return w.keep()
	case "many":
		return w.many()
	}
	return fmt.Errorf("no such job: %q", w.Kind)
}

// loop takes and gives up the lock over and over until told to stop. It says
// so only then: printing would take time from the others.
func (w *worker) loop() error {
	var grants []grant
	for n := 0; !w.stop.Load(); n++ {
		g, err := w.once(n)
		if err != nil {
			return err
		}
		grants = append(grants, g)
	}
	for i := range grants {
		w.say(said{Event: "grant", Grant: &grants[i]})
	}
	return nil
}

func (w *worker) once(n int) (grant, error) {
	g := grant{Who: w.Who, N: n, Asked: time.Now().UnixNano()}
	l, err := w.client.AcquireLock(w.ctx, w.Key, w.options(dynalock.Wait())...)
	if err != nil {
		return g, err
	}
	g.Got, g.Token = time.Now().UnixNano(), l.Token()
	time.Sleep(w.Hold)
	g.Released = time.Now().UnixNano()
	err = l.Release(w.ctx)
	g.Done = time.Now().UnixNano()
	return g, err
}

func (w *worker) options(more ...dynalock.AcquireOption) []dynalock.AcquireOption {
	opts := append(more, dynalock.KeepAlive())
	if w.Lease > 0 {
		opts = append(opts, dynalock.WithLease(w.Lease))
	}
	return opts
}

// wait lets goroutines wait for one turn each. They begin one after the other,
// a period apart, so that their order is known.
func (w *worker) wait() error {
	var all sync.WaitGroup
	for n := range w.Count {
		time.Sleep(w.Period)
		all.Go(func() {
			g, err := w.once(n)
			if err != nil {
				w.say(said{Event: "error", Error: err.Error()})
				return
			}
			w.say(said{Event: "grant", Grant: &g})
		})
	}
	all.Wait()
	return nil
}

// keep takes the lock at once and has it until the process ends.
func (w *worker) keep() error {
	g := grant{Who: w.Who, Asked: time.Now().UnixNano()}
	l, err := w.client.AcquireLock(w.ctx, w.Key, w.options()...)
	if err != nil {
		return err
	}
	g.Got, g.Token = time.Now().UnixNano(), l.Token()
	w.say(said{Event: "grant", Grant: &g})
	<-w.ctx.Done()
	return nil
}

// transport is of all clients of this process.
var transport = &http.Transport{MaxIdleConnsPerHost: 64}

func newSDK(url string) *dynamodb.Client {
	return enginetest.NewClient(url, &http.Client{Transport: transport})
}

// newLibrary gives a client of the library; polls: with queue, line and session
// switched off, to be compared with.
func newLibrary(db *dynamodb.Client, table string, polls bool) *dynalock.Client {
	if !polls {
		return dynalock.NewDynalockClient(db, table)
	}
	store, err := dynamostore.New(db, table, dynamostore.Config{})
	if err != nil {
		panic(err) // a nil client or an empty name
	}
	return dynalock.New(&hook.Store{Store: store, Polls: true})
}

// isWorker reports whether this process is one, and what its job is.
func isWorker(args []string) (text string, yes bool) {
	if len(args) != 3 || args[1] != workerCommand || !strings.HasPrefix(args[2], "{") {
		return "", false
	}
	return args[2], true
}
