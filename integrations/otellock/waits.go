package otellock

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kmdeveloping/dynalock"
)

// waits knows since when acquires wait that have not ended: a histogram learns
// of a wait only when it is over, which may be never.
type waits struct {
	mu    sync.Mutex
	since map[*watcher]map[string][]time.Time // by key; no empty ones
}

// begin notes one more who waits.
func (s *waits) begin(w *watcher, e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == nil {
		s.since = map[*watcher]map[string][]time.Time{}
	}
	if s.since[w] == nil {
		s.since[w] = map[string][]time.Time{}
	}
	s.since[w][e.Key] = append(s.since[w][e.Key], e.at)
}

// end takes out one who waited. Events do not say which, but how long its call
// took: it is the one that began about then.
func (s *waits) end(w *watcher, e event) {
	began := e.at.Add(-e.Took)
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.since[w][e.Key]
	if len(all) == 0 {
		return
	}
	nearest := 0
	for i := range all {
		if all[i].Sub(began).Abs() < all[nearest].Sub(began).Abs() {
			nearest = i
		}
	}
	all[nearest] = all[len(all)-1]
	s.since[w][e.Key] = all[:len(all)-1]
	if len(all) == 1 {
		delete(s.since[w], e.Key)
	}
	if len(s.since[w]) == 0 {
		delete(s.since, w)
	}
}

// observe tells the longest of each client or, with keys, of each key.
func (s *waits) observe(_ context.Context, o metric.Float64Observer) error {
	longest := map[attribute.Set]time.Duration{}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for w, keys := range s.since {
		for key, all := range keys {
			set := w.set(event{Event: dynalock.Event{Key: key}})
			for _, since := range all {
				longest[set] = max(longest[set], now.Sub(since))
			}
		}
	}
	for set, d := range longest {
		o.Observe(d.Seconds(), metric.WithAttributeSet(set))
	}
	return nil
}
