package otellock

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/kmdeveloping/dynalock"
)

// span makes the span of an act that has just ended, below that of its caller.
func (w *watcher) span(ctx context.Context, e event, act string, attrs ...attribute.KeyValue) trace.SpanContext {
	return w.spanOf(ctx, e, act, trace.SpanContext{}, attrs...)
}

// spanOf links it to an earlier one too.
func (w *watcher) spanOf(ctx context.Context, e event, act string, of trace.SpanContext, attrs ...attribute.KeyValue) trace.SpanContext {
	opts := []trace.SpanStartOption{trace.WithTimestamp(e.at.Add(-e.Took)), trace.WithAttributes(append(attrs, w.attrs...)...)}
	if of.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: of}))
	}
	_, span := w.tracer.Start(ctx, "dynalock "+act, opts...)
	if w.keys != nil {
		span.SetAttributes(KeyAttribute.String(e.Key))
	}
	finish(span, e)
	span.End(trace.WithTimestamp(e.at))
	return span.SpanContext()
}

// finish marks a span as failed. That another holds the lock is an answer, not
// a failure. The text of the error stays out: it names keys and owners.
func finish(span trace.Span, e event) {
	if e.Err == nil || e.Kind == dynalock.EventHeld {
		return
	}
	span.SetAttributes(errorType(e.Err))
	span.SetStatus(codes.Error, "")
}
