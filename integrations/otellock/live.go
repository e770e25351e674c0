package otellock

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// A tenure names a lock that a client holds.
type tenure struct {
	key   string
	token uint64
}

// began notes a lock that is held from now on.
func (w *watcher) began(e event, span trace.SpanContext) {
	w.zero(e)
	if !e.Live {
		return // it may outlive its handle and this process
	}
	w.mu.Lock()
	_, known := w.live[tenure{e.Key, e.Token}]
	w.live[tenure{e.Key, e.Token}] = span
	w.mu.Unlock()
	if !known {
		w.liveLocks.Add(context.Background(), 1, w.with(e))
	}
}

// zero makes the time series of what may become of a lock before it does:
// Prometheus takes a counter that appears with 1 for one that has not risen.
func (w *watcher) zero(e event) {
	set := w.set(e, LiveAttribute.Bool(e.Live))
	w.mu.Lock()
	known := w.zeroed[set]
	w.zeroed[set] = true
	w.mu.Unlock()
	if known {
		return
	}
	w.cleanups.Add(context.Background(), 0, w.with(e))
	w.takeovers.Add(context.Background(), 0, metric.WithAttributeSet(set))
	for _, why := range reasons {
		w.losses.Add(context.Background(), 0, w.with(e, LiveAttribute.Bool(e.Live), ReasonAttribute.String(string(why))))
	}
}

// ended notes the end of a live lock, once, and gives the span of its acquire.
func (w *watcher) ended(e event) trace.SpanContext {
	w.mu.Lock()
	span, known := w.live[tenure{e.Key, e.Token}]
	delete(w.live, tenure{e.Key, e.Token})
	w.mu.Unlock()
	if known {
		w.liveLocks.Add(context.Background(), -1, w.with(e))
	}
	return span
}
