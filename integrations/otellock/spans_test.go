package otellock_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	//lint:ignore SA1019 deprecated, and still what makes the SDK's spans in most programs
	"go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

func traced(l *lab) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		otelaws.AppendMiddlewares(&o.APIOptions, otelaws.WithTracerProvider(l.traces))
	}
}

// The spans of a call and those that otelaws makes of its requests are of one
// trace and below the same span, the caller's; and the call's span covers its
// requests.
func TestSpansBesideTheSDKs(t *testing.T) {
	o := newLab(t, otellock.WithKeys(10))
	db := enginetest.Client(t, traced(o))
	c := dynalock.NewDynalockClient(db, enginetest.Table(t, db), o.ClientOption(attribute.String("a", "b")))
	t.Cleanup(func() { must(t, c.Close(bg)) })

	ctx, parent := o.traces.Tracer("test").Start(bg, "work")
	l, err := c.AcquireLock(ctx, "k", dynalock.WithLease(time.Hour))
	must(t, err)
	must(t, l.Release(ctx))
	parent.End()

	acquire, release := o.ended("dynalock acquire"), o.ended("dynalock release")
	requests := slices.DeleteFunc(o.ended("DynamoDB.UpdateItem"), func(s sdktrace.ReadOnlySpan) bool {
		return s.SpanContext().TraceID() != parent.SpanContext().TraceID()
	})
	if len(acquire) != 1 || len(release) != 1 || len(requests) != 2 {
		t.Fatalf("%d acquires, %d releases, %d requests in the caller's trace", len(acquire), len(release), len(requests))
	}
	for i, call := range []sdktrace.ReadOnlySpan{acquire[0], release[0]} {
		for _, s := range []sdktrace.ReadOnlySpan{call, requests[i]} {
			if s.Parent().SpanID() != parent.SpanContext().SpanID() {
				t.Errorf("%q is not below the caller's span", s.Name())
			}
		}
		// The call's span may be later by the time until the observer was told.
		took, request := call.EndTime().Sub(call.StartTime()), requests[i].EndTime().Sub(requests[i].StartTime())
		if took < request || requests[i].EndTime().After(call.EndTime()) {
			t.Errorf("%q lasts %v to %v, its request %v to %v", call.Name(), call.StartTime(), call.EndTime(),
				requests[i].StartTime(), requests[i].EndTime())
		}
		for _, want := range []attribute.KeyValue{attribute.String("a", "b"), otellock.KeyAttribute.String("k")} {
			if !slices.Contains(call.Attributes(), want) {
				t.Errorf("%q lacks %v: %v", call.Name(), want, call.Attributes())
			}
		}
		if call.SpanKind() != trace.SpanKindInternal || call.Status().Code != codes.Unset {
			t.Errorf("%q: kind %v, status %v", call.Name(), call.SpanKind(), call.Status())
		}
	}
}

// The loss of a live lock has no caller. It links to the acquire, and is an
// error; its text, with key and owner, stays out, and so does the key.
func TestLossLinksToItsAcquire(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		ctx, parent := o.traces.Tracer("test").Start(bg, "work")
		defer parent.End()
		l, err := table.Client(o.ClientOption()).AcquireLock(ctx, "secret-key", dynalock.KeepAlive(), dynalock.WithLease(9*time.Second))
		must(t, err)
		table.TakeOver("secret-key", "secret-owner")
		<-l.Done()
		synctest.Wait()
		acquire, lost := o.ended("dynalock acquire"), o.ended("dynalock lost")
		if len(acquire) != 1 || len(lost) != 1 {
			t.Fatalf("%d acquires, %d losses", len(acquire), len(lost))
		}
		s := lost[0]
		if len(s.Links()) != 1 || !s.Links()[0].SpanContext.Equal(acquire[0].SpanContext()) {
			t.Errorf("links %v, want one to %v", s.Links(), acquire[0].SpanContext())
		}
		if s.Status().Code != codes.Error || s.Status().Description != "" ||
			!slices.Contains(s.Attributes(), otellock.ReasonAttribute.String("taken over")) {
			t.Errorf("status %v, attributes %v", s.Status(), s.Attributes())
		}
		for _, s := range o.spans.Ended() {
			for _, a := range s.Attributes() {
				if v := a.Value.String(); v == "secret-key" || v == "secret-owner" {
					t.Errorf("%q tells %s=%s", s.Name(), a.Key, v)
				}
			}
		}
	})
}

// That another holds the lock is no error; that the table cannot be reached is.
func TestSpanStatus(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		c := table.Client(o.ClientOption())
		_, err := table.Client().AcquireLock(bg, "k")
		must(t, err)
		if _, err := c.AcquireLock(bg, "k"); err == nil {
			t.Fatal("two have the lock")
		}
		table.Down()
		if _, err := c.AcquireLock(bg, "k"); err == nil {
			t.Fatal("acquired without a table")
		}
		table.Up()
		s := o.ended("dynalock acquire")
		if len(s) != 2 || s[0].Status().Code != codes.Unset || s[1].Status().Code != codes.Error {
			t.Fatalf("%+v", s)
		}
		if took := s[1].EndTime().Sub(s[1].StartTime()); took < time.Second {
			t.Errorf("the span of an acquire that waited for requests lasts %v", took)
		}
		if !slices.Contains(s[1].Attributes(), attribute.String("error.type", "unavailable")) {
			t.Error(s[1].Attributes())
		}
	})
}
