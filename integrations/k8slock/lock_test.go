package k8slock_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/integrations/k8slock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

func engine(t *testing.T) lockstore.Store {
	t.Helper()
	db := enginetest.Client(t)
	store, err := dynamostore.New(db, enginetest.Table(t, db), dynamostore.Config{})
	must(t, err)
	return store
}

func newLock(t *testing.T, store lockstore.Store, identity string) *k8slock.Lock {
	t.Helper()
	l, err := k8slock.New(store, "controller", identity)
	must(t, err)
	return l
}

func record(holder string) resourcelock.LeaderElectionRecord {
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	return resourcelock.LeaderElectionRecord{
		HolderIdentity: holder, LeaseDurationSeconds: 15, AcquireTime: now, RenewTime: now, LeaderTransitions: 3,
	}
}

// The record is compared and set, on a real DynamoDB engine and in memory.
func TestCompareAndSet(t *testing.T) {
	for name, store := range map[string]lockstore.Store{"engine": engine(t), "memory": memstore.New()} {
		t.Run(name, func(t *testing.T) {
			a, b := newLock(t, store, "a"), newLock(t, store, "b")
			_, _, err := a.Get(bg)
			if !apierrors.IsNotFound(err) {
				t.Error(err)
			}
			if err := a.Update(bg, record("a")); err == nil || apierrors.IsConflict(err) {
				t.Errorf("an update of nothing: %v", err)
			}
			must(t, a.Create(bg, record("a")))
			if err := b.Create(bg, record("b")); !apierrors.IsAlreadyExists(err) {
				t.Error(err)
			}
			got, raw, err := b.Get(bg)
			must(t, err)
			if want := record("a"); got.HolderIdentity != "a" || got.LeaderTransitions != 3 || got.LeaseDurationSeconds != 15 || got.RenewTime.IsZero() {
				t.Errorf("%+v, want %+v", got, want)
			}
			same := *got
			must(t, a.Update(bg, same))
			if err := b.Update(bg, record("b")); !apierrors.IsConflict(err) {
				t.Errorf("b has not seen a's renewal: %v", err)
			}
			_, later, err := b.Get(bg)
			must(t, err)
			if bytes.Equal(raw, later) {
				t.Error("a renewal within the second cannot be seen")
			}
			_, again, err := b.Get(bg)
			must(t, err)
			if !bytes.Equal(again, later) {
				t.Error("what nobody has written looks new")
			}
			must(t, b.Update(bg, record("b")))
			if err := a.Update(bg, record("a")); !apierrors.IsConflict(err) {
				t.Errorf("b leads now: %v", err)
			}
			must(t, b.Update(bg, record(""))) // steps down
			got, _, err = a.Get(bg)
			must(t, err)
			if got.HolderIdentity != "" {
				t.Errorf("%+v", got)
			}
			must(t, a.Update(bg, record("a")))
		})
	}
}

// A dynalock client and an election with one key keep off each other's item.
func TestForeign(t *testing.T) {
	for name, store := range map[string]lockstore.Store{"engine": engine(t), "memory": memstore.New()} {
		t.Run(name, func(t *testing.T) {
			client := dynalock.New(store, dynalock.WithLockOwnerName("client"))
			defer client.Close(bg)
			must(t, newLock(t, store, "a").Create(bg, record("a")))
			_, err := client.AcquireLock(bg, "controller")
			var held *dynalock.HeldError
			if !errors.As(err, &held) || held.Owner != "a" {
				t.Errorf("a client on an election's key: %v", err)
			}
			info, err := client.GetLock(bg, "controller")
			must(t, err)
			if info.State != dynalock.StateHeld || info.Owner != "a" {
				t.Errorf("%+v", info)
			}

			other, err := k8slock.New(store, "lock", "a")
			must(t, err)
			lock, err := client.AcquireLock(bg, "lock", dynalock.WithData([]byte("{}")))
			must(t, err)
			for range 2 {
				if _, _, err := other.Get(bg); !errors.Is(err, k8slock.ErrForeign) {
					t.Errorf("an election on a lock's key: %v", err)
				}
				if err := other.Create(bg, record("a")); !apierrors.IsAlreadyExists(err) {
					t.Error(err)
				}
				if err := other.Update(bg, record("a")); err == nil {
					t.Error("a lock is overwritten")
				}
				must(t, lock.Release(bg))
			}
		})
	}
}

// Data that is none of ours is not quoted in an error.
func TestForeignData(t *testing.T) {
	store := memstore.New()
	store.Put("controller", &lockstore.Record{Nonce: "n", Owner: "x", Data: []byte("secret")})
	_, _, err := newLock(t, store, "a").Get(bg)
	if !errors.Is(err, k8slock.ErrForeign) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	store := memstore.New()
	for name, err := range map[string]error{
		"a nil store":    second(k8slock.New(nil, "k", "a")),
		"no key":         second(k8slock.New(store, "", "a")),
		"no identity":    second(k8slock.New(store, "k", "")),
		"a reserved key": second(k8slock.New(store, "dynalock:s", "a")),
		"a long key":     second(k8slock.New(store, strings.Repeat("k", 2049), "a")),
		"bad UTF-8":      second(k8slock.New(store, "k\xff", "a")),
		"a nil option":   second(k8slock.New(store, "k", "a", nil)),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	l := newLock(t, store, "a")
	if l.Identity() != "a" || !strings.HasSuffix(l.Describe(), "/controller") {
		t.Error(l.Identity(), l.Describe())
	}
	l.RecordEvent("nobody listens")
}

func second[T any](_ T, err error) error { return err }
