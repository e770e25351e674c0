// Package otellock tells OpenTelemetry what dynalock's clients do: metrics of
// acquires, waits, renewals, losses and requests, and spans for the calls.
//
//	watch, err := otellock.New()
//	...
//	client := dynalock.NewDynalockClient(db, "locks", watch.ClientOption())
//
// Without options it uses the global providers of package otel, and does
// nothing where none are set. It observes and never interferes: an error or a
// panic of a provider reaches no caller of the lock, and what it costs is spent
// by the caller, not by a renewal (see dynalock.WithObserver).
//
// Names follow the semantic conventions: metrics under "dynalock.", durations in
// seconds, counted things in braces, error.type for failures. Lock keys are no
// attribute unless [WithKeys] asks for them, up to a bound; owner names, data,
// tokens and nonces never are.
//
// README.md has the table of metrics; examples/prometheus a dashboard and alert
// rules.
package otellock
