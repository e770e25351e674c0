package otellock

import (
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/kmdeveloping/dynalock"
)

// finish marks a span as failed. That another holds the lock is an answer, not
// a failure. The text of the error stays out: it names keys and owners.
func finish(span trace.Span, e dynalock.Event) {
	if e.Err == nil || e.Kind == dynalock.EventHeld {
		return
	}
	span.SetAttributes(errorType(e.Err))
	span.SetStatus(codes.Error, "")
}
