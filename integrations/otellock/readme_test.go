package otellock_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/kmdeveloping/dynalock/integrations/otellock"
)

// A catalog is a provider that notes what instruments it is asked for: type and
// unit by name.
type catalog struct {
	embedded.MeterProvider
	made map[string]string
}

func (c catalog) Meter(string, ...metric.MeterOption) metric.Meter { return listing{made: c.made} }

type listing struct {
	noop.Meter
	made map[string]string
}

func (l listing) Float64Histogram(name string, o ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	c := metric.NewFloat64HistogramConfig(o...)
	if l.made[name] = "histogram, " + c.Unit(); len(c.ExplicitBucketBoundaries()) == 0 || c.Description() == "" {
		l.made[name] += ", without boundaries or description"
	}
	return noop.Float64Histogram{}, nil
}

func (l listing) Float64Counter(name string, o ...metric.Float64CounterOption) (metric.Float64Counter, error) {
	l.made[name] = "counter, " + metric.NewFloat64CounterConfig(o...).Unit()
	return noop.Float64Counter{}, nil
}

func (l listing) Int64Counter(name string, o ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	l.made[name] = "counter, " + metric.NewInt64CounterConfig(o...).Unit()
	return noop.Int64Counter{}, nil
}

func (l listing) Int64UpDownCounter(name string, o ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	l.made[name] = "up-down counter, " + metric.NewInt64UpDownCounterConfig(o...).Unit()
	return noop.Int64UpDownCounter{}, nil
}

func (l listing) Float64ObservableGauge(name string, o ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	l.made[name] = "gauge, " + metric.NewFloat64ObservableGaugeConfig(o...).Unit()
	return noop.Float64ObservableGauge{}, nil
}

var row = regexp.MustCompile(`(?m)^\| (dynalock\.\S+) \| ([^|]+) \| (\S+) \|`)

// The README's table has every metric, with its type and unit, and no other.
func TestReadmeTable(t *testing.T) {
	made := map[string]string{}
	_, err := otellock.New(otellock.WithMeterProvider(catalog{made: made}))
	must(t, err)
	text, err := os.ReadFile("README.md")
	must(t, err)
	told := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = m[2] + ", " + m[3]
	}
	for name, is := range made {
		if told[name] != is {
			t.Errorf("%s is a %s; the README says %q", name, is, told[name])
		}
		if !strings.HasPrefix(name, "dynalock.") {
			t.Errorf("%s is outside the namespace", name)
		}
	}
	if len(told) != len(made) {
		t.Errorf("%d metrics, %d in the README", len(made), len(told))
	}
}
