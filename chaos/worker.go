package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/chaos/history"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// A worker is a process that uses locks.
type worker struct {
	job
	log     *history.Log
	client  *dynalock.Client
	guest   *dynalock.Client // of another owner name, for attached handles
	db      *dynamodb.Client // nil on SQLite
	web     *http.Client     // to the engine and to the parent
	calls   atomic.Int64
	handles atomic.Int64
	updates atomic.Int64
	looks   sync.WaitGroup // at handles
	end     []func() error // of what the clients stand on
}

// work is the main function of a worker.
func work(j job) (err error) {
	w := &worker{job: j, web: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	if w.log, err = history.NewLog(j.Log, j.process(), j.Owner); err != nil {
		return err
	}
	if err := w.open(); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(j.Seed, uint64(j.Generation)))
	var busy sync.WaitGroup
	if j.Generation > 1 {
		w.comeBack(rng, &busy)
	}
	for range j.Goroutines {
		mine := rand.New(rand.NewPCG(rng.Uint64(), 0))
		busy.Go(func() {
			for history.Now() < j.Until {
				w.turn(mine)
			}
		})
	}
	busy.Wait()
	return w.close()
}

// open makes the clients.
func (w *worker) open() error {
	if w.Path == "" {
		w.db = enginetest.NewClient(w.URL, w.web)
		w.client = dynalock.NewDynalockClient(w.db, w.Table, w.options(w.Owner)...)
		w.guest = dynalock.NewDynalockClient(w.db, w.Table, w.options(w.Owner+"-guest")...)
		return nil
	}
	store, err := sqlitestore.Open(w.Path, sqlitestore.WithNormalSync())
	if err != nil {
		return err
	}
	faulty := faultstore.New(store)
	share := w.Faults / 8
	faulty.Seed(w.Seed, faultstore.Rates{
		Cut: share, Fail: share, Refuse: share, Throttle: share, Hold: share, Delay: share, Late: share, Repeat: share,
		Stale: w.Faults, MaxDelay: time.Second,
	})
	locks := lockstore.Store(faulty)
	if w.Broken != "" {
		locks = breakStore(w.job, faulty)
	}
	w.client = dynalock.New(locks, w.options(w.Owner)...)
	w.guest = dynalock.New(locks, w.options(w.Owner+"-guest")...)
	w.end = append(w.end, func() error { faulty.Close(); return store.Close() })
	return nil
}

// breakStore is set by tests, which want to see that something is found.
var breakStore func(j job, s *faultstore.Store) lockstore.Store

// tookOver is the key of a context's *atomic.Bool.
type tookOver struct{}

func (w *worker) options(owner string) []dynalock.ClientOption {
	return []dynalock.ClientOption{
		dynalock.WithLockOwnerName(owner),
		dynalock.WithPollInterval(20*time.Millisecond, 500*time.Millisecond),
		dynalock.WithObserver(func(ctx context.Context, e dynalock.Event) {
			if yes, ok := ctx.Value(tookOver{}).(*atomic.Bool); ok && e.Kind == dynalock.EventAcquired && e.TakenOver {
				yes.Store(true)
			}
			w.noteRequest(e)
		}),
	}
}

// noteRequest notes requests that met a fault within the process: on SQLite
// there is no proxy to do it.
func (w *worker) noteRequest(e dynalock.Event) {
	const slow = 100 * time.Millisecond
	if w.Path == "" || w.Faults == 0 || e.Kind != dynalock.EventRequest || e.Err == nil && e.Took < slow {
		return
	}
	now := history.Now()
	w.log.Add(history.Event{Kind: history.Faulty, Op: "of the store", From: now - int64(e.Took), At: now})
}

// close ends the clients, and waits until no handle is looked at.
func (w *worker) close() error {
	for _, c := range []*dynalock.Client{w.guest, w.client} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		n, from := w.begin(history.Event{Op: history.Close})
		err := c.Close(ctx)
		cancel()
		w.answer(n, from, history.Event{Op: history.Close}, err)
	}
	w.looks.Wait()
	w.web.CloseIdleConnections()
	var errs []error
	for _, end := range w.end {
		errs = append(errs, end())
	}
	return errors.Join(append(errs, w.log.Close())...)
}

// begin notes that a call begins, and when.
func (w *worker) begin(e history.Event) (n, from int64) {
	e.Kind, e.Call, e.At = history.Begin, w.calls.Add(1), history.Now()
	w.log.Add(e)
	return e.Call, e.At
}

// answer notes how a call ended, and gives its outcome.
func (w *worker) answer(n, from int64, e history.Event, err error) string {
	e.At = history.Now()
	e.Kind, e.Call, e.From = history.End, n, from
	describe(&e, err)
	w.log.Add(e)
	return e.Outcome
}

// describe sets the outcome of a call.
func describe(e *history.Event, err error) {
	var held *dynalock.HeldError
	var lost *dynalock.LostError
	if err != nil {
		e.Error = err.Error()
	}
	switch {
	case err == nil:
		e.Outcome = history.OK
	case errors.As(err, &held):
		e.Outcome, e.Holder, e.HolderToken = history.Refused, held.Owner, held.Token
	case errors.As(err, &lost):
		e.Outcome, e.Reason = history.Gone, string(lost.Reason)
	case errors.Is(err, dynalock.ErrReleased), errors.Is(err, dynalock.ErrClosed):
		e.Outcome, e.Reason = history.Gone, "released"
	case errors.Is(err, dynalock.ErrNotHeld), errors.Is(err, dynalock.ErrNotFound):
		e.Outcome = history.Free
	case errors.Is(err, dynalock.ErrUnavailable), errors.Is(err, dynalock.ErrThrottled),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Outcome = history.Unknown
	default:
		e.Outcome = history.Broken
	}
}
