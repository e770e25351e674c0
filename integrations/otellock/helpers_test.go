package otellock_test

import (
	"context"
	"os"
	"runtime"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/kmdeveloping/dynalock/dynalocktest"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// Every allocation is seen: see TestNothingAttached.
func init() { runtime.MemProfileRate = 1 }

func TestMain(m *testing.M) { os.Exit(enginetest.Run(m)) }

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A lab is an instrumentation and what it told.
type lab struct {
	*otellock.Instrumentation
	t      testing.TB
	reader *sdkmetric.ManualReader
	spans  *tracetest.SpanRecorder
	traces *sdktrace.TracerProvider
}

func newLab(t testing.TB, opts ...otellock.Option) *lab {
	t.Helper()
	l := &lab{t: t, reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	l.traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(l.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(l.reader))
	i, err := otellock.New(append([]otellock.Option{
		otellock.WithMeterProvider(meters), otellock.WithTracerProvider(l.traces),
	}, opts...)...)
	must(t, err)
	l.Instrumentation = i
	return l
}

// bubble runs a test with a table in memory, in fake time.
func bubble(t *testing.T, f func(*testing.T, *dynalocktest.Table)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, dynalocktest.New(t)) })
}

// all gives what was measured, by name.
func (l *lab) all() map[string]metricdata.Metrics {
	l.t.Helper()
	var got metricdata.ResourceMetrics
	must(l.t, l.reader.Collect(bg, &got))
	all := map[string]metricdata.Metrics{}
	for _, scope := range got.ScopeMetrics {
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// A point is a measurement under one set of attributes: a counter's value, or
// count and sum of a histogram.
type point struct {
	attrs attribute.Set
	n     float64
	sum   float64
}

func (l *lab) points(name string) (points []point) {
	l.t.Helper()
	switch d := l.all()[name].Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			points = append(points, point{attrs: p.Attributes, n: float64(p.Value)})
		}
	case metricdata.Sum[float64]:
		for _, p := range d.DataPoints {
			points = append(points, point{attrs: p.Attributes, n: p.Value})
		}
	case metricdata.Gauge[float64]:
		for _, p := range d.DataPoints {
			points = append(points, point{attrs: p.Attributes, n: p.Value})
		}
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			points = append(points, point{attrs: p.Attributes, n: float64(p.Count), sum: p.Sum})
		}
	}
	return points
}

// of adds up the points that have those attributes, and maybe more.
func (l *lab) of(name string, attrs ...attribute.KeyValue) (n, sum float64) {
	l.t.Helper()
next:
	for _, p := range l.points(name) {
		for _, a := range attrs {
			if v, has := p.attrs.Value(a.Key); !has || v != a.Value {
				continue next
			}
		}
		n, sum = n+p.n, sum+p.sum
	}
	return n, sum
}

// want checks a counter, or the count of a histogram.
func (l *lab) want(n float64, name string, attrs ...attribute.KeyValue) {
	l.t.Helper()
	if got, _ := l.of(name, attrs...); got != n {
		l.t.Errorf("%s %v: %v, want %v; there is %+v", name, attrs, got, n, l.points(name))
	}
}

// between checks the sum of a histogram.
func (l *lab) between(least, most float64, name string, attrs ...attribute.KeyValue) {
	l.t.Helper()
	if _, got := l.of(name, attrs...); got < least || got > most {
		l.t.Errorf("%s %v: %v s, want %v to %v", name, attrs, got, least, most)
	}
}

// ended gives the spans of that name.
func (l *lab) ended(name string) (spans []sdktrace.ReadOnlySpan) {
	for _, s := range l.spans.Ended() {
		if s.Name() == name {
			spans = append(spans, s)
		}
	}
	return spans
}

// beyond counts the values of a histogram above one of its boundaries.
func (l *lab) beyond(name string, boundary float64) (n uint64) {
	l.t.Helper()
	h, ok := l.all()[name].Data.(metricdata.Histogram[float64])
	if !ok {
		l.t.Fatalf("no histogram %s", name)
	}
	for _, p := range h.DataPoints {
		for i, count := range p.BucketCounts {
			if i > 0 && p.Bounds[i-1] >= boundary {
				n += count
			}
		}
	}
	return n
}

// metricsOnly is another instrumentation with metrics and no spans.
func (l *lab) metricsOnly() *otellock.Instrumentation {
	l.t.Helper()
	i, err := otellock.New(otellock.WithTracerProvider(noop.NewTracerProvider()),
		otellock.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))))
	must(l.t, err)
	return i
}
