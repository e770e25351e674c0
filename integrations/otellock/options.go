package otellock

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// An Option is a setting of [New].
type Option func(*settings)

type settings struct {
	meters  metric.MeterProvider
	tracers trace.TracerProvider
	keys    int
	errs    []error
}

// WithMeterProvider sets where metrics go. Default: otel.GetMeterProvider.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(s *settings) {
		if p == nil {
			s.errs = append(s.errs, errors.New("WithMeterProvider: the provider is nil"))
		}
		s.meters = p
	}
}

// WithTracerProvider sets where spans go. Default: otel.GetTracerProvider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(s *settings) {
		if p == nil {
			s.errs = append(s.errs, errors.New("WithTracerProvider: the provider is nil"))
		}
		s.tracers = p
	}
}

// WithKeys adds the lock's key to spans, and to metrics as long as no more than
// most different ones were met: each makes time series of its own, for good.
// Later ones are [KeyOther]. Default: no keys.
func WithKeys(most int) Option {
	return func(s *settings) {
		if most < 1 {
			s.errs = append(s.errs, errors.New("WithKeys: at least one key; leave the option out for none"))
		}
		s.keys = most
	}
}
