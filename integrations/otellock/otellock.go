package otellock

import (
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kmdeveloping/dynalock"
)

// ScopeName is the name of the meter and of the tracer.
const ScopeName = "github.com/kmdeveloping/dynalock/integrations/otellock"

// An Instrumentation watches any number of clients. It is safe for concurrent
// use and has nothing to be closed.
type Instrumentation struct {
	instruments
	tracer trace.Tracer
	keys   *keys // nil: no keys
	waits  waits
}

// New makes an instrumentation. The error names a wrong option, or an
// instrument that the meter refused.
func New(opts ...Option) (*Instrumentation, error) {
	s := settings{meters: otel.GetMeterProvider(), tracers: otel.GetTracerProvider()}
	for _, o := range opts {
		if o == nil {
			s.errs = append(s.errs, errors.New("a nil Option"))
			continue
		}
		o(&s)
	}
	if len(s.errs) > 0 {
		return nil, fmt.Errorf("otellock: %w", errors.Join(s.errs...))
	}
	i := &Instrumentation{tracer: s.tracers.Tracer(ScopeName)}
	if s.keys > 0 {
		i.keys = newKeys(s.keys)
	}
	if err := i.make(s.meters.Meter(ScopeName), i.waits.observe); err != nil {
		return nil, fmt.Errorf("otellock: %w", err)
	}
	return i, nil
}

// ClientOption makes a client be watched. Call it once for each client. The
// attributes, such as the table's name, come with every metric and span of it.
func (i *Instrumentation) ClientOption(attrs ...attribute.KeyValue) dynalock.ClientOption {
	w := &watcher{Instrumentation: i, attrs: slices.Clone(attrs), live: map[tenure]trace.SpanContext{}, zeroed: map[attribute.Set]bool{}}
	return dynalock.WithObserver(w.observe)
}
