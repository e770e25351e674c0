package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/chaos/history"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// A round is one run of a plan.
type round struct {
	*plan
	dir    string
	log    *history.Log // of what is done to the processes
	keeper *keeper
	slots  []*slot

	mu     sync.Mutex
	engine *enginetest.Engine // nil on SQLite, and while it is down
}

// The tables of a round.
const (
	locksTable = "locks"
	itemsTable = "items"
)

// run runs a plan in a folder, which is empty, and leaves the logs there. The
// error is of what should not be and stands in no log.
func (p *plan) run(dir string) (last map[string]string, err error) {
	r := &round{plan: p, dir: dir}
	if r.log, err = history.NewLog(filepath.Join(dir, "director.jsonl"), "", ""); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.log.Close()) }()
	defer func() { err = errors.Join(err, r.stopEngine()) }()
	if err := r.prepare(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.keeper.close()) }()
	if err := r.start(); err != nil {
		return nil, errors.Join(err, r.end())
	}
	var acting sync.WaitGroup
	problems := make(chan error, len(r.acts))
	began := time.Now()
	for i, acts := range r.acts {
		acting.Go(func() {
			for _, a := range acts {
				time.Sleep(time.Until(began.Add(a.at)))
				if err := r.act(i, a); err != nil {
					problems <- err
					return
				}
			}
		})
	}
	acting.Wait()
	close(problems)
	for problem := range problems {
		err = errors.Join(err, problem)
	}
	if err = errors.Join(err, r.end()); err != nil {
		return nil, err
	}
	return r.afterwards()
}

// prepare starts the engine and makes the tables.
func (r *round) prepare() (err error) {
	if r.store == storeDynoxide {
		if err := r.startEngine(); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for _, table := range []string{locksTable, itemsTable} {
			if err := dynalock.NewDynalockClient(r.direct(), table).CreateTable(ctx); err != nil {
				return err
			}
		}
	}
	r.keeper, err = newKeeper(r.read)
	return err
}

func (r *round) path() string { return filepath.Join(r.dir, "locks.db") }

// startEngine starts the engine, on its file where it may be killed.
func (r *round) startEngine() error {
	path := ""
	if r.kind == kindCrashes {
		path = filepath.Join(r.dir, "engine.db")
	}
	e, err := enginetest.Start(path)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.engine = e
	r.mu.Unlock()
	for _, s := range r.slots {
		s.proxy.to(e.URL)
	}
	return nil
}

// stopEngine kills it.
func (r *round) stopEngine() error {
	r.mu.Lock()
	e := r.engine
	r.engine = nil
	r.mu.Unlock()
	if e == nil {
		return nil
	}
	for _, s := range r.slots {
		s.proxy.to("")
	}
	return e.Stop()
}

// target is the engine's URL; empty: it is down.
func (r *round) target() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.engine == nil {
		return ""
	}
	return r.engine.URL
}

// direct is a client past all faults.
func (r *round) direct() *dynamodb.Client {
	return enginetest.NewClient(r.target(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
}

// start starts the processes.
func (r *round) start() error {
	until := history.Now() + int64(r.lasts)
	for i := range r.processes {
		s := &slot{r: r, job: job{
			Owner: fmt.Sprint("w", i), Seed: r.seed*100 + uint64(i), Until: until, Registers: r.keeper.url,
			Keys: r.keys, Deleting: r.deleting, Goroutines: r.goroutines, Faults: r.faults, Named: r.kind == kindNamed, Broken: r.broken,
		}}
		if r.store == storeSQLite {
			s.job.Path = r.path()
		} else {
			p, err := newProxy(s.job.Seed, r.faults, r.target(), r.log.Add, s.reached)
			if err != nil {
				return err
			}
			s.proxy, s.job.URL, s.job.Table, s.job.Items = p, p.url, locksTable, itemsTable
		}
		r.slots = append(r.slots, s)
	}
	for _, s := range r.slots {
		if err := s.start(); err != nil {
			return err
		}
	}
	return nil
}

// read tells the slot of a process that it has read a register of the parent's.
func (r *round) read(process string) {
	for _, s := range r.slots {
		if strings.HasPrefix(process, s.job.Owner+".") {
			s.reached(atRead)
		}
	}
}

func (r *round) act(i int, a act) error {
	if a.do != doEngine {
		return r.slots[i].act(a)
	}
	from := history.Now()
	if err := r.stopEngine(); err != nil {
		return err
	}
	r.log.Add(history.Event{Kind: history.Down, From: from})
	time.Sleep(a.lasts)
	from = history.Now()
	if err := r.startEngine(); err != nil {
		return err
	}
	r.log.Add(history.Event{Kind: history.Up, From: from})
	return nil
}

// end waits for the processes and closes their networks.
func (r *round) end() (err error) {
	for _, s := range r.slots {
		if s.cmd != nil {
			err = errors.Join(err, s.await(r.lasts+time.Minute))
		}
		if s.proxy != nil {
			s.proxy.close()
		}
	}
	return err
}

// afterwards takes every lock once, with nothing in the way, and gives what is
// in the registers.
func (r *round) afterwards() (last map[string]string, err error) {
	// The longest lease, and a window of 3 s for each that may stand in the queue.
	ctx, cancel := context.WithTimeout(context.Background(), longestLease+30*time.Second)
	defer cancel()
	last = r.keeper.last()
	var c *dynalock.Client
	if r.store == storeSQLite {
		store, err := sqlitestore.Open(r.path())
		if err != nil {
			return nil, err
		}
		defer store.Close()
		c = dynalock.New(store)
	} else {
		db := r.direct()
		c = dynalock.NewDynalockClient(db, locksTable)
		if err := addItems(ctx, db, last); err != nil {
			return nil, err
		}
	}
	var taking sync.WaitGroup
	problems := make([]error, len(r.keys))
	for i, key := range r.keys {
		taking.Go(func() {
			l, err := c.AcquireLock(ctx, key, dynalock.Wait(), dynalock.WithLease(longestLease))
			if err != nil {
				problems[i] = fmt.Errorf("%s cannot be had when all is over: %w", key, err)
				return
			}
			problems[i] = l.Release(ctx)
		})
	}
	taking.Wait()
	return last, errors.Join(append(slices.Clone(problems), c.Close(ctx))...)
}

// addItems reads the registers in the table.
func addItems(ctx context.Context, db *dynamodb.Client, last map[string]string) error {
	out, err := db.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(itemsTable), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return err
	}
	for _, it := range out.Items {
		last[nameOf(it)] = lastOf(it)
	}
	return nil
}
