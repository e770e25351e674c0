package otellock

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// Boundaries of histograms, in seconds. A round trip to DynamoDB takes some
// milliseconds; people wait for seconds to minutes; locks are held for anything
// from an instant to days.
var (
	requestSeconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	waitSeconds    = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
	leases         = []float64{.01, .05, .1, .2, .3, .4, .5, .6, .7, .8, 1}
	heldSeconds    = []float64{.01, .1, 1, 5, 10, 60, 300, 900, 3600, 21600, 86400, 604800, 2592000}
)

// instruments are all metrics; README.md explains each.
type instruments struct {
	acquireDuration metric.Float64Histogram
	waitDuration    metric.Float64Histogram
	heldDuration    metric.Float64Histogram
	renewalDuration metric.Float64Histogram
	renewalLag      metric.Float64Histogram
	renewalLagRatio metric.Float64Histogram
	releaseDuration metric.Float64Histogram
	requestDuration metric.Float64Histogram
	contentions     metric.Int64Counter
	takeovers       metric.Int64Counter
	losses          metric.Int64Counter
	capacity        metric.Float64Counter
	cleanups        metric.Int64Counter
	waiters         metric.Int64UpDownCounter
	liveLocks       metric.Int64UpDownCounter
}

func (i *instruments) make(m metric.Meter, longest metric.Float64Callback) error {
	b := builder{meter: m}
	i.acquireDuration = b.seconds("dynalock.acquire.duration", "Duration of acquires, with their waiting", requestSeconds)
	i.waitDuration = b.seconds("dynalock.wait.duration", "Duration of acquires that had to wait", waitSeconds)
	i.heldDuration = b.seconds("dynalock.held.duration", "How long locks were held, from the acquire to the release or the loss", heldSeconds)
	i.renewalDuration = b.seconds("dynalock.renewal.duration", "Duration of renewals", requestSeconds)
	i.renewalLag = b.seconds("dynalock.renewal.lag", "How late renewals began by their own schedule", requestSeconds)
	i.renewalLagRatio = b.histogram("dynalock.renewal.lag_ratio", "1", "How late renewals began by their own schedule, in leases", leases)
	i.releaseDuration = b.seconds("dynalock.release.duration", "Duration of releases", requestSeconds)
	i.capacity = b.floatCounter("dynalock.request.consumed_capacity", "{capacity_unit}", "Capacity that requests were charged")
	i.requestDuration = b.seconds("dynalock.request.duration", "Duration of single requests to the store", requestSeconds)
	i.contentions = b.counter("dynalock.contentions", "{acquire}", "Acquires that met a lock held by another")
	i.takeovers = b.counter("dynalock.takeovers", "{lock}", "Locks taken from a holder whose lease had ended")
	i.losses = b.counter("dynalock.losses", "{lock}", "Locks that ended without a release by their holder")
	i.cleanups = b.counter("dynalock.cleanups", "{lock}", "Locks that a late request had taken and that were released again")
	i.waiters = b.upDown("dynalock.waiter.count", "{acquire}", "Acquires that wait now")
	b.gauge("dynalock.waiter.longest", "How long the acquire that waits longest has waited so far", longest)
	i.liveLocks = b.upDown("dynalock.live_lock.count", "{lock}", "Locks held now that are renewed until they are released")
	return errors.Join(b.errs...)
}

// A builder makes instruments and keeps the errors.
type builder struct {
	meter metric.Meter
	errs  []error
}

func (b *builder) seconds(name, what string, boundaries []float64) metric.Float64Histogram {
	return b.histogram(name, "s", what, boundaries)
}

func (b *builder) histogram(name, unit, what string, boundaries []float64) metric.Float64Histogram {
	h, err := b.meter.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(what),
		metric.WithExplicitBucketBoundaries(boundaries...))
	b.errs = append(b.errs, err)
	return h
}

func (b *builder) counter(name, unit, what string) metric.Int64Counter {
	c, err := b.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
	b.errs = append(b.errs, err)
	return c
}

func (b *builder) floatCounter(name, unit, what string) metric.Float64Counter {
	c, err := b.meter.Float64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
	b.errs = append(b.errs, err)
	return c
}

func (b *builder) upDown(name, unit, what string) metric.Int64UpDownCounter {
	c, err := b.meter.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
	b.errs = append(b.errs, err)
	return c
}

// gauge makes one that is asked for its seconds.
func (b *builder) gauge(name, what string, ask metric.Float64Callback) {
	_, err := b.meter.Float64ObservableGauge(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithFloat64Callback(ask))
	b.errs = append(b.errs, err)
}
