//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// A worker is a process of its own: it adds an amount to the account, under the
// lock, and tells its parent line by line.
type worker struct {
	locks   *dynalock.Client
	account *account
	way     way
	amount  int
}

// deposit is what everybody writes who uses a lock: take it, read, look at the
// lock once more, write.
func (w *worker) deposit(ctx context.Context) error {
	lock, err := w.locks.AcquireLock(ctx, "account/7",
		dynalock.KeepAlive(), dynalock.WithLease(2*time.Second), dynalock.WaitFor(time.Minute))
	if err != nil {
		return err
	}
	defer lock.Release(ctx)
	tell("has the lock, with token %d", lock.Token())
	n, err := w.way.read(w.account, ctx, lock)
	if err != nil {
		return err
	}
	tell("reads a balance of %d", n)
	if !lock.Held() {
		return lock.Err()
	}
	tell("looks at its lock: held. It goes on to write %d", n+w.amount)
	if err := w.way.write(w.account, ctx, lock, n+w.amount); err != nil {
		tell("%s", refusal(err))
	} else {
		tell("has written %d", n+w.amount)
	}
	if err := lock.Err(); err != nil {
		tell("looks at its lock once more: %v", err)
	}
	return nil
}

// refusal puts DynamoDB's answer in short.
func refusal(err error) string {
	var failed *types.ConditionalCheckFailedException
	var cancelled *types.TransactionCanceledException
	switch {
	case errors.As(err, &failed):
		return "is refused: " + failed.ErrorCode()
	case errors.As(err, &cancelled):
		return "is refused: " + cancelled.ErrorCode()
	}
	return err.Error()
}

func tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// work is main of a worker's process: fencing NAME WAY AMOUNT ENDPOINT.
func work(name, as string, amount int, endpoint string, stops bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	locks := dynalock.NewDynalockClient(enginetest.NewClient(endpoint, http.DefaultClient), "locks",
		dynalock.WithLockOwnerName(name))
	transport := http.RoundTripper(http.DefaultTransport)
	if stops {
		transport = &gate{next: transport}
	}
	db := enginetest.NewClient(endpoint, &http.Client{Transport: transport})
	w := &worker{locks: locks, account: newAccount(db), way: ways[as], amount: amount}
	return errors.Join(w.deposit(ctx), locks.Close(ctx))
}

// A gate lets a worker's second request, the write after the read, wait just
// before it is sent until the parent says a word: so that the pause, which could
// fall anywhere, falls right there.
type gate struct {
	next  http.RoundTripper
	calls int
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.calls++; g.calls == 2 {
		tell(atGate)
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			return nil, err
		}
	}
	return g.next.RoundTrip(r)
}
