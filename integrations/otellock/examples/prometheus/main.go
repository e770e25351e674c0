// Command prometheus serves the metrics of some clients at work to Prometheus,
// as an example of package otellock. It needs no table: the locks are in memory,
// and the store makes up what DynamoDB would charge.
//
//	go run ./integrations/otellock/examples/prometheus
//	curl http://localhost:2112/metrics
//
// dashboard.json is a Grafana dashboard of these metrics and alerts.yml has
// alert rules for Prometheus; both fit any program that uses package otellock
// with the Prometheus exporter's own names.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/kmdeveloping/dynalock/integrations/otellock"
)

func main() {
	listen := flag.String("listen", "localhost:2112", "address to serve /metrics on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen string) error {
	watch, metrics, err := instrument()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics)
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	go work(ctx, watch, time.Second)
	log.Printf("http://%s/metrics", listen)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// instrument is what a program of yours needs.
func instrument() (*otellock.Instrumentation, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	watch, err := otellock.New(otellock.WithMeterProvider(meters), otellock.WithKeys(20))
	return watch, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), err
}
