package moving_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// What uses etcd is compiled and not run: that would need its server.
var _ = []any{byMutex, byElection, guardedByMutex}

// concurrency.Mutex.

func byMutex(ctx context.Context, client *clientv3.Client, work func(context.Context) error) error {
	session, err := concurrency.NewSession(client, concurrency.WithTTL(20))
	if err != nil {
		return err
	}
	defer session.Close()
	mutex := concurrency.NewMutex(session, "/locks/nightly")
	if err := mutex.Lock(ctx); err != nil {
		return err
	}
	defer mutex.Unlock(context.WithoutCancel(ctx))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-session.Done():
			stop() // lost
		case <-ctx.Done():
		}
	}()
	return work(ctx)
}

func insteadOfMutex(ctx context.Context, client *dynalock.Client, work func(context.Context) error) error {
	return client.Do(ctx, "nightly", func(ctx context.Context, _ *dynalock.Lock) error {
		return work(ctx) // ctx ends when the lock is lost
	}, dynalock.Wait())
}

// concurrency.Election.

func byElection(ctx context.Context, session *concurrency.Session, me string, lead func(context.Context) error) error {
	election := concurrency.NewElection(session, "/leader")
	if err := election.Campaign(ctx, me); err != nil {
		return err
	}
	defer election.Resign(context.WithoutCancel(ctx))
	return lead(ctx)
}

func insteadOfElection(ctx context.Context, client *dynalock.Client, me string, lead func(context.Context) error) error {
	return client.Do(ctx, "leader", func(ctx context.Context, _ *dynalock.Lock) error {
		return lead(ctx)
	}, dynalock.Wait(), dynalock.WithData([]byte(me)))
}

// leader is what Election.Leader answers.
func leader(ctx context.Context, client *dynalock.Client) (string, error) {
	info, err := client.GetLock(ctx, "leader")
	if err != nil {
		return "", err // ErrNotFound: nobody has led yet
	}
	if info.State != dynalock.StateHeld {
		return "", errors.New("nobody leads at present")
	}
	return string(info.Data), info.DataErr
}

// A write that etcd refuses a former holder.

func guardedByMutex(ctx context.Context, client *clientv3.Client, mutex *concurrency.Mutex, value string) error {
	answer, err := client.Txn(ctx).If(mutex.IsOwner()).Then(clientv3.OpPut("/state", value)).Commit()
	if err == nil && !answer.Succeeded {
		err = errors.New("another holds the lock")
	}
	return err
}

func TestInsteadOfEtcd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := dynalocktest.New(t)
		first, second := table.Client(), table.Client()
		if _, err := leader(t.Context(), second); !errors.Is(err, dynalock.ErrNotFound) {
			t.Errorf("before anybody: %v", err)
		}
		order := make(chan string, 2)
		go func() {
			order <- "second"
			err := insteadOfElection(t.Context(), second, "b", func(context.Context) error { return nil })
			if err != nil {
				t.Error(err)
			}
			order <- "second leads"
		}()
		err := insteadOfElection(t.Context(), first, "a", func(ctx context.Context) error {
			<-order
			time.Sleep(time.Minute)
			if who, err := leader(ctx, second); who != "a" || err != nil {
				t.Errorf("%q leads, %v", who, err)
			}
			if len(order) > 0 {
				t.Error("two leaders")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		<-order
		if _, err := leader(t.Context(), first); err == nil {
			t.Error("somebody leads still")
		}
		if err := insteadOfMutex(t.Context(), first, func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
