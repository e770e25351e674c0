package memstore

import (
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// What follows acts on the table beside the clients, as an operator, a test
// or the table's own item expiry does.

// Peek returns a copy of the record under key, or nil.
func (s *Store) Peek(key string) *lockstore.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[key].Clone()
}

// Put sets the record under key, whatever was there; nil removes it.
func (s *Store) Put(key string, r *lockstore.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(key, r.Clone())
}

// Remove deletes the record under key, as somebody does by hand.
func (s *Store) Remove(key string) { s.Put(key, nil) }

// Keys returns the keys that have a record, in order.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys()
}

// Sweep removes the records whose TTL lies before now and returns their keys,
// as the table's item expiry does some time after. The store never does it by
// itself.
func (s *Store) Sweep(now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var swept []string
	for _, key := range s.keys() {
		if ttl := s.records[key].TTL; !ttl.IsZero() && ttl.Before(now) {
			delete(s.records, key)
			swept = append(swept, key)
		}
	}
	return swept
}
