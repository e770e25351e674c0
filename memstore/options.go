package memstore

import "time"

// An Option changes how a [Store] is made.
type Option func(*Store)

// WithClock makes now the store's clock; default time.Now. It is called with
// the store locked and must not call back.
func WithClock(now func() time.Time) Option {
	return func(s *Store) { s.clock = now }
}

// WithoutTime makes the store's answers carry no time, as those of a store
// that has none, or behind something that strips it.
func WithoutTime() Option {
	return func(s *Store) { s.clock = nil }
}

// WithDateResolution makes the store tell its time only to d, as DynamoDB's
// Date header does to the second: an answer at t has the bounds
// [t truncated to d, the same + d]. Default exact.
func WithDateResolution(d time.Duration) Option {
	return func(s *Store) { s.resolution = d }
}

// WithScope names the store; default "memory". Handles and encrypted data are
// bound to that name.
func WithScope(name string) Option {
	return func(s *Store) { s.scope = name }
}

// WithPageSize bounds the records of one page of a Scan; default 1000.
func WithPageSize(n int) Option {
	return func(s *Store) { s.pageSize = max(n, 1) }
}
