package otellock_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
)

func TestWrongOptions(t *testing.T) {
	for name, o := range map[string]otellock.Option{
		"WithMeterProvider": otellock.WithMeterProvider(nil), "WithTracerProvider": otellock.WithTracerProvider(nil),
		"WithKeys": otellock.WithKeys(0), "nil Option": nil,
	} {
		if i, err := otellock.New(o); i != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
	if _, err := otellock.New(); err != nil {
		t.Error("the global providers:", err)
	}
}

// A refusing provider has meters that make no histogram.
type refusing struct{ embedded.MeterProvider }

type refusingMeter struct{ noop.Meter }

var errRefused = errors.New("refused")

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

func (refusingMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return noop.Float64Histogram{}, errRefused
}

func TestRefusedInstrument(t *testing.T) {
	if _, err := otellock.New(otellock.WithMeterProvider(refusing{})); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}

// Keys are attributes only when asked for, and up to the bound; the random keys
// of sessions never are.
func TestKeys(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		none, some := newLab(t), newLab(t, otellock.WithKeys(2))
		c := table.Client(none.ClientOption(), some.ClientOption())
		for i := range 4 {
			l, err := c.AcquireLock(bg, fmt.Sprint("key", i), dynalock.KeepAlive())
			must(t, err)
			defer func() { must(t, l.Release(bg)) }()
		}
		awhile()
		key := otellock.KeyAttribute.String
		some.want(1, "dynalock.acquire.duration", key("key0"))
		some.want(1, "dynalock.acquire.duration", key("key1"))
		some.want(2, "dynalock.acquire.duration", key(otellock.KeyOther))
		if n, _ := some.of("dynalock.renewal.duration", key(otellock.KeySession)); n == 0 {
			t.Errorf("no renewals of a session: %v", some.points("dynalock.renewal.duration"))
		}
		for name := range some.all() {
			for _, p := range some.points(name) {
				if v, _ := p.attrs.Value(otellock.KeyAttribute); strings.Contains(v.AsString(), "dynalock:") {
					t.Errorf("%s: the key of a session, %s", name, v.AsString())
				}
			}
			for _, p := range none.points(name) {
				if p.attrs.HasValue(otellock.KeyAttribute) {
					t.Errorf("%s has keys that nobody asked for: %v", name, p.attrs.Encoded(attribute.DefaultEncoder()))
				}
			}
		}
	})
}
