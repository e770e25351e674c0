package otellock

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/kmdeveloping/dynalock"
)

// A watcher is told what one client does.
type watcher struct {
	*Instrumentation
	attrs []attribute.KeyValue

	mu   sync.Mutex
	live map[tenure]trace.SpanContext // of the live locks' acquires
}

// A tenure names a lock that a client holds.
type tenure struct {
	key   string
	token uint64
}

func (w *watcher) observe(ctx context.Context, e dynalock.Event) {
	switch e.Kind {
	case dynalock.EventRequest:
		w.request(ctx, e)
	case dynalock.EventAcquired:
		w.acquire(ctx, e, acquired)
	case dynalock.EventHeld:
		w.acquire(ctx, e, held)
	case dynalock.EventAcquireFailed:
		w.acquire(ctx, e, failed)
	case dynalock.EventWaiting:
		w.waiting(ctx, e)
	case dynalock.EventRenewed, dynalock.EventRenewFailed:
		w.renewal(ctx, e)
	case dynalock.EventReleased:
		w.ended(e)
		w.heldDuration.Record(ctx, e.Held.Seconds(), w.with(e, LiveAttribute.Bool(e.Live), OutcomeAttribute.String(released)))
	case dynalock.EventReleaseFailed:
		w.releaseFailed(ctx, e)
	case dynalock.EventLost:
		w.lose(ctx, e, e.Reason)
	case dynalock.EventCleaned:
		w.cleanups.Add(ctx, 1, w.with(e))
	}
}

// with gives the attributes of a measurement.
func (w *watcher) with(e dynalock.Event, attrs ...attribute.KeyValue) metric.MeasurementOption {
	attrs = append(attrs, w.attrs...)
	if w.keys != nil && e.Key != "" {
		attrs = append(attrs, w.keys.bounded(e.Key))
	}
	return metric.WithAttributeSet(attribute.NewSet(attrs...))
}

// outcome is how an act ended that has an error or none.
func outcome(err error, attrs ...attribute.KeyValue) []attribute.KeyValue {
	if err == nil {
		return append(attrs, OutcomeAttribute.String(ok))
	}
	return append(attrs, OutcomeAttribute.String(failed), errorType(err))
}

func (w *watcher) request(ctx context.Context, e dynalock.Event) {
	attrs := outcome(e.Err, StepAttribute.String(e.Step))
	if e.Refused {
		attrs = []attribute.KeyValue{StepAttribute.String(e.Step), OutcomeAttribute.String(refused)}
	}
	w.requestDuration.Record(ctx, e.Took.Seconds(), w.with(e, attrs...))
}

func (w *watcher) acquire(ctx context.Context, e dynalock.Event, how string) {
	attrs := []attribute.KeyValue{OutcomeAttribute.String(how), LiveAttribute.Bool(e.Live)}
	if how == failed {
		attrs = append(attrs, errorType(e.Err))
	}
	if e.Waited {
		w.waiters.Add(ctx, -1, w.with(e, LiveAttribute.Bool(e.Live)))
		w.waitDuration.Record(ctx, e.Took.Seconds(), w.with(e, attrs...))
	} else if how == held {
		w.contentions.Add(ctx, 1, w.with(e, LiveAttribute.Bool(e.Live)))
	}
	if e.TakenOver {
		w.takeovers.Add(ctx, 1, w.with(e, LiveAttribute.Bool(e.Live)))
	}
	attrs = append(attrs, WaitedAttribute.Bool(e.Waited))
	w.acquireDuration.Record(ctx, e.Took.Seconds(), w.with(e, attrs...))
	span := w.span(ctx, e, "acquire", attrs...)
	if how == acquired && e.Live {
		w.began(e, span)
	}
}

func (w *watcher) waiting(ctx context.Context, e dynalock.Event) {
	w.waiters.Add(ctx, 1, w.with(e, LiveAttribute.Bool(e.Live)))
	if errors.Is(e.Err, dynalock.ErrHeld) {
		w.contentions.Add(ctx, 1, w.with(e, LiveAttribute.Bool(e.Live)))
	}
}

func (w *watcher) renewal(ctx context.Context, e dynalock.Event) {
	attrs := outcome(e.Err)
	w.renewalDuration.Record(ctx, e.Took.Seconds(), w.with(e, attrs...))
	w.renewalLag.Record(ctx, e.Lag.Seconds(), w.with(e))
	w.span(ctx, e, "renew", attrs...)
}

// releaseFailed may be told again of the same tenure, if its release is
// repeated.
func (w *watcher) releaseFailed(ctx context.Context, e dynalock.Event) {
	var l *dynalock.LostError
	if errors.As(e.Err, &l) { // found out by the release
		w.lose(ctx, e, l.Reason)
		return
	}
	w.ended(e)
	w.releaseFailures.Add(ctx, 1, w.with(e, LiveAttribute.Bool(e.Live), errorType(e.Err)))
}

func (w *watcher) lose(ctx context.Context, e dynalock.Event, why dynalock.Reason) {
	attrs := []attribute.KeyValue{LiveAttribute.Bool(e.Live), ReasonAttribute.String(string(why))}
	w.losses.Add(ctx, 1, w.with(e, attrs...))
	w.heldDuration.Record(ctx, e.Held.Seconds(), w.with(e, LiveAttribute.Bool(e.Live), OutcomeAttribute.String(lost)))
	e.Took = 0 // a moment
	w.spanOf(ctx, e, "lost", w.ended(e), attrs...)
}

// began notes a live lock.
func (w *watcher) began(e dynalock.Event, span trace.SpanContext) {
	w.mu.Lock()
	_, known := w.live[tenure{e.Key, e.Token}]
	w.live[tenure{e.Key, e.Token}] = span
	w.mu.Unlock()
	if !known {
		w.liveLocks.Add(context.Background(), 1, w.with(e))
	}
}

// ended notes the end of a live lock, once, and gives the span of its acquire.
func (w *watcher) ended(e dynalock.Event) trace.SpanContext {
	w.mu.Lock()
	span, known := w.live[tenure{e.Key, e.Token}]
	delete(w.live, tenure{e.Key, e.Token})
	w.mu.Unlock()
	if known {
		w.liveLocks.Add(context.Background(), -1, w.with(e))
	}
	return span
}

// span makes the span of an act that has just ended, below that of its caller.
func (w *watcher) span(ctx context.Context, e dynalock.Event, act string, attrs ...attribute.KeyValue) trace.SpanContext {
	return w.spanOf(ctx, e, act, trace.SpanContext{}, attrs...)
}

// spanOf links it to an earlier one too.
func (w *watcher) spanOf(ctx context.Context, e dynalock.Event, act string, of trace.SpanContext, attrs ...attribute.KeyValue) trace.SpanContext {
	end := time.Now()
	opts := []trace.SpanStartOption{trace.WithTimestamp(end.Add(-e.Took)), trace.WithAttributes(append(attrs, w.attrs...)...)}
	if of.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: of}))
	}
	_, span := w.tracer.Start(ctx, "dynalock "+act, opts...)
	if w.keys != nil {
		span.SetAttributes(KeyAttribute.String(e.Key))
	}
	finish(span, e)
	span.End(trace.WithTimestamp(end))
	return span.SpanContext()
}
