package otellock

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"

	"github.com/kmdeveloping/dynalock"
)

// Attributes of metrics and spans.
const (
	// KeyAttribute is the lock's key: see [WithKeys].
	KeyAttribute = attribute.Key("dynalock.key")
	// OutcomeAttribute says how a call or request ended: see the README.
	OutcomeAttribute = attribute.Key("dynalock.outcome")
	// StepAttribute is what a request was for: acquire, renew, release, get ...
	StepAttribute = attribute.Key("dynalock.step")
	// ReasonAttribute is why a lock was lost: the value of a dynalock.Reason.
	ReasonAttribute = attribute.Key("dynalock.reason")
	// LiveAttribute is true for locks with KeepAlive.
	LiveAttribute = attribute.Key("dynalock.live")
	// WaitedAttribute is true for acquires that had to wait.
	WaitedAttribute = attribute.Key("dynalock.waited")

	// CapacityAttribute is "read" or "write".
	CapacityAttribute = attribute.Key("dynalock.capacity")
	// EstimatedAttribute is true for capacity that the store did not report.
	EstimatedAttribute = attribute.Key("dynalock.estimated")

	errorTypeAttribute = attribute.Key("error.type") // of the semantic conventions
)

// Outcomes.
const (
	acquired = "acquired" // of an acquire
	held     = "held"     // another holds the lock
	released = "released" // of a tenure
	lost     = "lost"
	resumed  = "resumed"
	ok       = "ok"      // of a renewal, a release or a request
	refused  = "refused" // a request's condition did not hold
	failed   = "failed"
)

// reasons are those of a loss that there are at present.
var reasons = []dynalock.Reason{
	dynalock.ReasonExpired, dynalock.ReasonTakenOver, dynalock.ReasonForced, dynalock.ReasonReleased,
	dynalock.ReasonSuperseded, dynalock.ReasonGone, dynalock.ReasonHeldTooLong,
}

// errorTypes are the errors that get a name of their own, the first match wins.
var errorTypes = []struct {
	err  error
	name string
}{
	{dynalock.ErrHeld, "held"},
	{dynalock.ErrLost, "lost"},
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "deadline_exceeded"},
	{dynalock.ErrThrottled, "throttled"},
	{dynalock.ErrUnavailable, "unavailable"},
	{dynalock.ErrAccessDenied, "access_denied"},
	{dynalock.ErrTableNotFound, "table_not_found"},
	{dynalock.ErrTableSchema, "table_schema"},
	{dynalock.ErrMalformed, "malformed"},
	{dynalock.ErrDataTooLarge, "data_too_large"},
	{dynalock.ErrDecrypt, "decrypt"},
	{dynalock.ErrClosed, "closed"},
	{dynalock.ErrInvalidOption, "invalid_option"},
}

// errorType is a short name: texts of errors have keys and owners in them.
func errorType(err error) attribute.KeyValue {
	for _, t := range errorTypes {
		if errors.Is(err, t.err) {
			return errorTypeAttribute.String(t.name)
		}
	}
	return errorTypeAttribute.String("_OTHER")
}
