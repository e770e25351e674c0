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

	mu     sync.Mutex
	live   map[tenure]trace.SpanContext // of the live locks' acquires
	zeroed map[attribute.Set]bool
}

// An event is one of the client's and when it was told: what measuring takes is
// no part of it.
type event struct {
	dynalock.Event
	at time.Time
}

func (w *watcher) observe(ctx context.Context, told dynalock.Event) {
	e := event{told, time.Now()}
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
	case dynalock.EventResumed:
		w.resume(ctx, e)
	case dynalock.EventReleased, dynalock.EventReleaseFailed:
		w.release(ctx, e)
	case dynalock.EventLost:
		w.lose(ctx, e, e.Reason)
	case dynalock.EventCleaned:
		w.cleanups.Add(ctx, 1, w.with(e))
	}
}

// with gives the attributes of a measurement.
func (w *watcher) with(e event, attrs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(w.set(e, attrs...))
}

func (w *watcher) set(e event, attrs ...attribute.KeyValue) attribute.Set {
	attrs = append(attrs, w.attrs...)
	if w.keys != nil && e.Key != "" {
		attrs = append(attrs, w.keys.bounded(e.Key))
	}
	return attribute.NewSet(attrs...)
}

// outcome is how an act ended that has an error or none.
func outcome(err error, attrs ...attribute.KeyValue) []attribute.KeyValue {
	if err == nil {
		return append(attrs, OutcomeAttribute.String(ok))
	}
	return append(attrs, OutcomeAttribute.String(failed), errorType(err))
}

func (w *watcher) request(ctx context.Context, e event) {
	if !w.requestDuration.Enabled(ctx) && !w.capacity.Enabled(ctx) {
		return // the most frequent event
	}
	attrs := outcome(e.Err, StepAttribute.String(e.Step))
	if e.Refused {
		attrs = []attribute.KeyValue{StepAttribute.String(e.Step), OutcomeAttribute.String(refused)}
	}
	w.requestDuration.Record(ctx, e.Took.Seconds(), w.with(e, attrs...))
	if e.Units > 0 {
		w.capacity.Add(ctx, e.Units, w.with(e, StepAttribute.String(e.Step),
			CapacityAttribute.String(capacity(e.Step)), EstimatedAttribute.Bool(e.Estimated)))
	}
}

// capacity tells the kind of units that a step is charged in.
func capacity(step string) string {
	if step == "get" || step == "scan" {
		return "read"
	}
	return "write"
}

func (w *watcher) acquire(ctx context.Context, e event, how string) {
	attrs := []attribute.KeyValue{OutcomeAttribute.String(how), LiveAttribute.Bool(e.Live)}
	if how == failed {
		attrs = append(attrs, errorType(e.Err))
	}
	if e.Waited {
		w.waits.end(w, e)
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
	if how == acquired {
		w.began(e, span)
	}
}

func (w *watcher) waiting(ctx context.Context, e event) {
	w.waits.begin(w, e)
	w.waiters.Add(ctx, 1, w.with(e, LiveAttribute.Bool(e.Live)))
	if errors.Is(e.Err, dynalock.ErrHeld) {
		w.contentions.Add(ctx, 1, w.with(e, LiveAttribute.Bool(e.Live)))
	}
}

func (w *watcher) renewal(ctx context.Context, e event) {
	attrs := outcome(e.Err)
	w.renewalDuration.Record(ctx, e.Took.Seconds(), w.with(e, attrs...))
	w.renewalLag.Record(ctx, e.Lag.Seconds(), w.with(e))
	if e.Lease > 0 {
		w.renewalLagRatio.Record(ctx, e.Lag.Seconds()/e.Lease.Seconds(), w.with(e))
	}
	w.span(ctx, e, "renew", attrs...)
}

func (w *watcher) resume(ctx context.Context, e event) {
	span := w.span(ctx, e, "resume", LiveAttribute.Bool(e.Live), OutcomeAttribute.String(resumed))
	w.began(e, span)
}

// release may be told of again for the same tenure, if one that failed is
// repeated.
func (w *watcher) release(ctx context.Context, e event) {
	if session(e.Key) {
		return // no lock of anybody's
	}
	attrs := outcome(e.Err, LiveAttribute.Bool(e.Live))
	w.releaseDuration.Record(ctx, e.Took.Seconds(), w.with(e, attrs...))
	w.span(ctx, e, "release", attrs...)
	var l *dynalock.LostError
	switch {
	case e.Err == nil:
		w.ended(e)
		w.heldDuration.Record(ctx, e.Held.Seconds(), w.with(e, LiveAttribute.Bool(e.Live), OutcomeAttribute.String(released)))
	case errors.As(e.Err, &l): // which the release found out
		w.lose(ctx, e, l.Reason)
	default:
		w.ended(e)
	}
}

func (w *watcher) lose(ctx context.Context, e event, why dynalock.Reason) {
	attrs := []attribute.KeyValue{LiveAttribute.Bool(e.Live), ReasonAttribute.String(string(why))}
	w.losses.Add(ctx, 1, w.with(e, attrs...))
	w.heldDuration.Record(ctx, e.Held.Seconds(), w.with(e, LiveAttribute.Bool(e.Live), OutcomeAttribute.String(lost)))
	e.Took = 0 // a moment
	w.spanOf(ctx, e, "lost", w.ended(e), attrs...)
}
