package otellock_test

import (
	"context"
	"fmt"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A client in memory whose metrics are read by hand, where a program has an
// exporter.
func Example() {
	ctx := context.Background()
	reader := sdkmetric.NewManualReader()
	watch, err := otellock.New(otellock.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := dynalock.New(memstore.New(), watch.ClientOption())
	defer client.Close(ctx)
	lock, err := client.AcquireLock(ctx, "report")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.AcquireLock(ctx, "report") // is held
	fmt.Println(err != nil)
	_ = lock.Release(ctx)

	var got metricdata.ResourceMetrics
	_ = reader.Collect(ctx, &got)
	for _, m := range got.ScopeMetrics[0].Metrics {
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "dynalock.contentions" {
			fmt.Println(m.Name, sum.DataPoints[0].Value)
		}
	}
	// Output:
	// true
	// dynalock.contentions 1
}
