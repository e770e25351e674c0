package dynalock

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/kmdeveloping/dynalock/dynamostore"
)

// DefaultRetention is how long after a lease's end the item stays, with its
// data, for whoever wants to know what became of it.
const DefaultRetention = 24 * time.Hour

// Polling of waiters: see [WithPollInterval].
const (
	DefaultPollMin = 50 * time.Millisecond
	DefaultPollMax = time.Second
)

// A ClientOption is a setting of a client. A wrong one is an error of the
// client's first call.
type ClientOption func(*settings)

type settings struct {
	owner             string
	partitionKey      string
	sortKey           string
	sortValue         string
	tableKeys         bool // one of the three was set
	defaults          wishes
	aead              AEAD
	encryptionContext string
	allowPlaintext    bool
	retention         time.Duration
	margin            time.Duration // negative: the store's own
	observeOnly       bool
	pollMin, pollMax  time.Duration
	pollSet           bool // by the user: then pollMin holds for every two reads
	sessionKeyPrefix  string
	logger            *slog.Logger
	observers         []func(context.Context, Event)
	errs              []error
}

func newSettings(opts []ClientOption) (settings, error) {
	s := settings{
		owner:     "dynalock-" + rand.Text(),
		retention: DefaultRetention,
		margin:    -1,
		pollMin:   DefaultPollMin,
		pollMax:   DefaultPollMax,
	}
	for _, o := range opts {
		if o == nil {
			s.wrong("a nil ClientOption")
			continue
		}
		o(&s)
	}
	if len(s.errs) > 0 {
		return s, s.errs[0]
	}
	return s, nil
}

func (s *settings) wrong(format string, args ...any) {
	s.errs = append(s.errs, invalidOption(format, args...))
}

// WithLockOwnerName sets the owner name, by which another process may update,
// resume or release this client's locks: 1 to 2,048 bytes of valid UTF-8. It
// never lets a second acquire through. Default: a random name.
func WithLockOwnerName(name string) ClientOption {
	return func(s *settings) {
		if err := checkText(name); err != nil {
			s.wrong("WithLockOwnerName: the name %v", err)
		}
		s.owner = name
	}
}

// WithPartitionKeyName sets the name of the table's partition key, which is of
// type S. Default "key". Names of the record's own attributes are refused.
func WithPartitionKeyName(name string) ClientOption {
	return func(s *settings) {
		switch {
		case name == "":
			s.wrong("WithPartitionKeyName: the name is empty")
		case dynamostore.Reserved(name):
			s.wrong("WithPartitionKeyName: %q is an attribute of a lock's record", name)
		}
		s.partitionKey, s.tableKeys = name, true
	}
}

// WithSortKey is for tables with a sort key, of type S: its name and the value
// that all locks of this client have. Default: the table has none.
func WithSortKey(name, value string) ClientOption {
	return func(s *settings) {
		switch {
		case name == "":
			s.wrong("WithSortKey: the name is empty")
		case dynamostore.Reserved(name):
			s.wrong("WithSortKey: %q is an attribute of a lock's record", name)
		case value == "":
			s.wrong("WithSortKey: the value is empty")
		}
		s.sortKey, s.sortValue, s.tableKeys = name, value, true
	}
}

// WithDefaults gives options to every acquire of the client. A call's own
// options come after and win. Used again, it adds to what was given before.
func WithDefaults(opts ...AcquireOption) ClientOption {
	return func(s *settings) {
		w, err := gather(opts)
		if err != nil {
			s.errs = append(s.errs, err)
			return
		}
		s.defaults = w.over(s.defaults)
	}
}

// WithDataEncryption encrypts what is stored with locks. Each ciphertext is
// bound to the table, to the lock's key and to being a lock's data.
func WithDataEncryption(aead AEAD) ClientOption {
	return func(s *settings) {
		if isNil(aead) {
			s.wrong("WithDataEncryption: the AEAD is nil")
		}
		s.aead = aead
	}
}

// WithEncryptionContext binds ciphertexts to that text instead of the table's
// name. Set it to the old name where a table was restored under another one.
func WithEncryptionContext(text string) ClientOption {
	return func(s *settings) {
		if text == "" {
			s.wrong("WithEncryptionContext: the text is empty")
		}
		s.encryptionContext = text
	}
}

// AllowPlaintextData lets data be read that was stored before encryption was
// switched on. Whoever can write to the table can then pass off data of his own.
func AllowPlaintextData() ClientOption {
	return func(s *settings) { s.allowPlaintext = true }
}

// WithRetention sets how long after a lease's end the table's item expiry may
// remove the item, with its data. Default 24 h; 0: never. The first lease of a
// process is counted by the local clock: one that is behind by more than d lets
// the item expire while the lock is held.
func WithRetention(d time.Duration) ClientOption {
	return func(s *settings) {
		if d < 0 || d > MaxLease {
			s.wrong("WithRetention(%v) is not between 0 and %v", d, MaxLease)
		}
		s.retention = d
	}
}

// WithClockMargin sets how far the store's servers may disagree about the
// time. Default: what the store says, half a second for DynamoDB. Too small a
// margin lets a lock be taken from a live holder; a large one only delays
// takeovers.
func WithClockMargin(d time.Duration) ClientOption {
	return func(s *settings) {
		if d < 0 || d > time.Hour {
			s.wrong("WithClockMargin(%v) is not between 0 and 1h", d)
		}
		s.margin = max(d, 0)
	}
}

// ObserveOnly makes this client take over a lock only after it saw it
// unchanged for a whole lease, whatever any clock says.
func ObserveOnly() ClientOption {
	return func(s *settings) { s.observeOnly = true }
}

// WithPollInterval sets how often a waiter reads: min apart after a change,
// backing off to max, with jitter. Default 50 ms and 1 s. Each read costs half
// a read unit.
//
// Without this option, who stands in the queue and knows from recent hand-overs
// about when its turn comes reads about then instead, some three times a turn,
// which can be more often than min but is never less often than it would be
// otherwise. With it, reads are at least min apart then too, and a lock that
// changes hands more often than that is handed over later.
func WithPollInterval(least, most time.Duration) ClientOption {
	return func(s *settings) {
		if least < time.Millisecond || most < least || most > time.Hour {
			s.wrong("WithPollInterval(%v, %v): 1 ms <= min <= max <= 1 h", least, most)
		}
		s.pollMin, s.pollMax, s.pollSet = least, most, true
	}
}

// WithSessionKeyPrefix sets what the keys of this client's own records begin
// with, where IAM allows a tenant only keys of a certain prefix.
func WithSessionKeyPrefix(prefix string) ClientOption {
	return func(s *settings) {
		if len(prefix) > maxKeyBytes/2 {
			s.wrong("WithSessionKeyPrefix: the prefix is longer than %d bytes", maxKeyBytes/2)
		} else if prefix != "" {
			if err := checkText(prefix); err != nil {
				s.wrong("WithSessionKeyPrefix: the prefix %v", err)
			}
		}
		s.sessionKeyPrefix = prefix
	}
}

// WithLogger sets where transitions are logged: a lost lock as an error,
// renewals that begin to fail as a warning, takeovers as information,
// everything ordinary at debug level. Never data, tokens or handles. Default:
// silent.
func WithLogger(logger *slog.Logger) ClientOption {
	return func(s *settings) {
		if logger == nil {
			s.wrong("WithLogger: the logger is nil")
		}
		s.logger = logger
	}
}

// WithObserver adds a function that is called with each [Event], in line, with
// the context of the call that it belongs to. Panics are caught. It should be
// quick: what it delays is the caller, never a renewal. It must not call Close,
// which waits for the call that the observer is part of. One that never returns
// keeps later events waiting, the latest of which are left out.
func WithObserver(observe func(context.Context, Event)) ClientOption {
	return func(s *settings) {
		if observe == nil {
			s.wrong("WithObserver: the function is nil")
			return
		}
		s.observers = append(s.observers, observe)
	}
}

// cryptoRandom fills b. crypto/rand's Read never fails (since Go 1.24).
func cryptoRandom(b []byte) { _, _ = rand.Read(b) }
