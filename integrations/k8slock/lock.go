package k8slock

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// ErrForeign says that the item under the key is no election record: use another
// key.
var ErrForeign = errors.New("k8slock: the item under the key is no election record")

// A Lock is one candidate's view of an election record. It is a
// resourcelock.Interface, for one LeaderElector. Errors about the record's state
// are those that client-go looks for: apierrors.IsNotFound, IsAlreadyExists and
// IsConflict; others are the store's, a *lockstore.Error.
type Lock struct {
	store    lockstore.Store
	key      string
	identity string
	event    func(string)

	mu   sync.Mutex
	seen lockstore.Nonce // of the record that was last read or written
}

var _ resourcelock.Interface = (*Lock)(nil)

// An Option is a setting of [New].
type Option func(*Lock)

// OnEvent sets a function that is called with "became leader" and "stopped
// leading", by the LeaderElector, in line. Default: nothing.
func OnEvent(f func(event string)) Option { return func(l *Lock) { l.event = f } }

// New gives a candidate of that identity, which must be its own, in the election
// under that key, the same for all. Any store fits, dynamostore.New for DynamoDB.
// It sends nothing.
func New(store lockstore.Store, key, identity string, opts ...Option) (*Lock, error) {
	if store == nil {
		return nil, errors.New("k8slock: the store is nil")
	}
	if err := check(key); err != nil {
		return nil, fmt.Errorf("k8slock: the key %w", err)
	}
	if err := check(identity); err != nil {
		return nil, fmt.Errorf("k8slock: the identity %w", err)
	}
	l := &Lock{store: store, key: key, identity: identity}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("k8slock: a nil Option")
		}
		o(l)
	}
	return l, nil
}

// check applies dynalock's rules for keys and owner names.
func check(s string) error {
	switch {
	case s == "" || len(s) > 2048:
		return errors.New("has to have 1 to 2048 bytes")
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	case strings.HasPrefix(s, "dynalock:"):
		return errors.New(`begins with "dynalock:", which is reserved`)
	}
	return nil
}

// Get gives the record, and bytes that differ after each write: the record as it
// is stored and the write's nonce. The record alone has times in whole seconds, so
// that two renewals of one second would look like none. One consistent read.
func (l *Lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	got, err := l.store.Get(ctx, l.key, lockstore.Consistent)
	if err != nil {
		return nil, nil, err
	}
	if got.Record == nil {
		return nil, nil, apierrors.NewNotFound(resource, l.key)
	}
	record, err := decode(got.Record)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (key %q)", err, l.key)
	}
	l.note(got.Record.Nonce)
	return record, append(bytes.Clone(got.Record.Data), got.Record.Nonce...), nil
}

// Create makes the record if there is no item under the key. One write.
func (l *Lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	applied, err := l.put(ctx, record, lockstore.All(lockstore.Absent{}))
	if err == nil && !applied {
		return apierrors.NewAlreadyExists(resource, l.key)
	}
	return err
}

// Update replaces the record that this candidate last read or wrote, if it is
// still the one that is there. One write.
func (l *Lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	l.mu.Lock()
	seen := l.seen
	l.mu.Unlock()
	if seen == "" {
		return errors.New("k8slock: Update before Get or Create")
	}
	applied, err := l.put(ctx, record, lockstore.All(lockstore.NonceIs(seen)))
	if err == nil && !applied {
		return apierrors.NewConflict(resource, l.key, errors.New("another record has come between"))
	}
	return err
}

// RecordEvent tells the function of [OnEvent].
func (l *Lock) RecordEvent(event string) {
	if l.event != nil {
		l.event(event)
	}
}

// Identity is the candidate's.
func (l *Lock) Identity() string { return l.identity }

// Describe names the store's table and the key, for client-go's logs.
func (l *Lock) Describe() string { return l.store.Info().Scope + "/" + l.key }

var resource = schema.GroupResource{Group: "dynalock", Resource: "elections"}

// put writes the record under a nonce of its own: a nonce stands for one record,
// so that who has seen it has seen that.
func (l *Lock) put(ctx context.Context, record resourcelock.LeaderElectionRecord, where lockstore.Condition) (bool, error) {
	data, err := json.Marshal(record)
	if err != nil {
		return false, fmt.Errorf("k8slock: %w", err)
	}
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	nonce := lockstore.Nonce(raw)
	do := []lockstore.Change{
		lockstore.SetNonce(nonce), lockstore.SetData{Bytes: data},
		lockstore.SetReleased(false), lockstore.SetSince(record.AcquireTime.Time),
	}
	if record.HolderIdentity != "" { // else the last one's stays, as dynalock keeps it
		do = append(do, lockstore.SetOwner(record.HolderIdentity))
	}
	got, err := l.store.Write(ctx, l.key, lockstore.Write{If: where, Do: do})
	if err != nil || !got.Applied {
		return false, err
	}
	l.note(nonce)
	return true, nil
}

func (l *Lock) note(nonce lockstore.Nonce) {
	l.mu.Lock()
	l.seen = nonce
	l.mu.Unlock()
}

// decode tells an election record from a lock: locks have a token, or no nonce if
// an early version wrote them.
func decode(r *lockstore.Record) (*resourcelock.LeaderElectionRecord, error) {
	if r.Token != 0 || r.Nonce == "" || r.Sealed || r.Data == nil {
		return nil, ErrForeign
	}
	var record resourcelock.LeaderElectionRecord
	if err := json.Unmarshal(r.Data, &record); err != nil {
		return nil, ErrForeign // without the error, which may quote the data
	}
	return &record, nil
}
