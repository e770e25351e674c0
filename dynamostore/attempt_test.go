package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

func open(t *testing.T, api dynamostore.API) *dynamostore.Store {
	t.Helper()
	s, err := dynamostore.New(api, "locks", dynamostore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openSDK is a store over an SDK client whose HTTP answers come from f, for
// use in bubbles: real sockets do not work there.
func openSDK(t *testing.T, f fault, optFns ...func(*dynamodb.Options)) (*wire, *dynamostore.Store) {
	t.Helper()
	w := &wire{spoil: f}
	return w, open(t, enginetest.NewClient("http://dynamodb.test", w, optFns...))
}

// Do makes a wire an aws.HTTPClient.
func (w *wire) Do(r *http.Request) (*http.Response, error) { return w.RoundTrip(r) }

func hang(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

var ownerOnly = lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o")}}

// A replicated write that collided was not applied, and is the one thing that
// is tried again.
func TestReplicatedWriteConflict(t *testing.T) {
	const good = `{"Attributes":{"key":{"S":"k"},"owner":{"S":"o"}}}`
	for conflicts, want := range map[int]struct {
		requests int
		kind     error
	}{0: {1, nil}, 1: {2, nil}, 3: {4, nil}, 4: {4, lockstore.ErrUnavailable}, 100: {4, lockstore.ErrUnavailable}} {
		synctest.Test(t, func(t *testing.T) {
			left := conflicts
			w, store := openSDK(t, func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
				if left--; left >= 0 {
					return refusal(400, "ReplicatedWriteConflictException", ""), nil
				}
				return answer(200, good), nil
			})
			start := time.Now()
			res, err := store.Write(t.Context(), "k", ownerOnly)
			switch {
			case want.kind != nil:
				if e := storeError(t, err, want.kind); e.Unknown || !strings.Contains(e.Advice, "another write") {
					t.Errorf("%d conflicts: %+v", conflicts, e)
				}
			case err != nil || !res.Applied:
				t.Errorf("%d conflicts: %+v, %v", conflicts, res, err)
			}
			if got := len(w.requests()); got != want.requests {
				t.Errorf("%d conflicts: %d requests, want %d", conflicts, got, want.requests)
			}
			if took := time.Since(start); took > 140*time.Millisecond {
				t.Errorf("%d conflicts: %v", conflicts, took)
			}
		})
	}
}

// A conflict is certain, and what comes after it need not be.
func TestConflictThenUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		then    fault
		unknown bool
	}{"500": {instead(refuses(500, "InternalServerError", "")), true}, "denied": {instead(refuses(400, "AccessDeniedException", "")), false}, "hangs": {hang, true}} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			_, store := openSDK(t, func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
				if n++; n == 1 {
					return refusal(400, "ReplicatedWriteConflictException", ""), nil
				}
				return tt.then(r, send)
			})
			_, err := store.Write(t.Context(), "k", ownerOnly)
			if e, ok := errors.AsType[*lockstore.Error](err); !ok || e.Unknown != tt.unknown {
				t.Errorf("%s: %+v", name, err)
			}
		})
	}
}

// A connection that went dead holds a call for five seconds, and that is not
// the caller's deadline.
func TestCallLimit(t *testing.T) {
	stub := &stubAPI{
		get:    func(ctx context.Context) (*dynamodb.GetItemOutput, error) { <-ctx.Done(); return nil, ctx.Err() },
		update: func(ctx context.Context) (*dynamodb.UpdateItemOutput, error) { <-ctx.Done(); return nil, ctx.Err() },
	}
	synctest.Test(t, func(t *testing.T) {
		_, sdk := openSDK(t, hang)
		for name, store := range map[string]*dynamostore.Store{"SDK": sdk, "another API": open(t, stub)} {
			for _, op := range []string{"GetItem", "UpdateItem"} {
				start := time.Now()
				err := calls[op](t.Context(), store)
				if took := time.Since(start); took != dynamostore.CallLimit {
					t.Errorf("%s %s took %v", name, op, took)
				}
				e := storeError(t, err, lockstore.ErrUnavailable)
				if e.Unknown != isWrite(op) || e.Advice != "no answer in time" || !strings.Contains(err.Error(), "no answer within 5s") {
					t.Errorf("%s %s: %+v", name, op, err)
				}
				harmless(t, err)
			}
		}
	})
}

// A caller's context that ends midway ends the call at once; the write may
// have been applied by then.
func TestContextEndsMidway(t *testing.T) {
	gone := errors.New("the pod is stopped")
	synctest.Test(t, func(t *testing.T) {
		_, store := openSDK(t, hang)
		for op, call := range calls {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			e := storeError(t, call(ctx, store), lockstore.ErrUnavailable)
			cancel()
			if !errors.Is(e, context.DeadlineExceeded) || errors.Is(e, context.Canceled) || e.Unknown != isWrite(op) || time.Since(start) != time.Second {
				t.Errorf("%s after %v: %+v", op, time.Since(start), e)
			}

			ctx, stop := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { stop(gone) })
			e = storeError(t, call(ctx, store), lockstore.ErrUnavailable)
			if !errors.Is(e, context.Canceled) || !errors.Is(e, gone) || errors.Is(e, context.DeadlineExceeded) || e.Unknown != isWrite(op) {
				t.Errorf("%s: %+v", op, e)
			}
		}
	})
}

// A context that had ended before asks nobody, whatever its cause says.
func TestContextEndedBefore(t *testing.T) {
	stub := &stubAPI{}
	store := open(t, stub)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no auth scheme, no identity, no endpoint"))
	for _, op := range []string{"GetItem", "UpdateItem"} {
		e := storeError(t, calls[op](ctx, store), lockstore.ErrUnavailable)
		if e.Unknown || !errors.Is(e, context.Canceled) || !strings.Contains(e.Advice, "before anything was sent") {
			t.Errorf("%s: %+v", op, e)
		}
	}
	if stub.calls != 0 {
		t.Errorf("%d calls", stub.calls)
	}
}

// What an API that is no SDK client says is taken at its word, and what it
// leaves open counts as sent.
func TestAnotherAPI(t *testing.T) {
	for name, tt := range map[string]struct {
		err     error
		kind    error
		unknown bool
	}{
		"nothing":     {nil, lockstore.ErrUnavailable, true},
		"any error":   {errors.New("something"), lockstore.ErrUnavailable, true},
		"throttle":    {&types.ProvisionedThroughputExceededException{}, lockstore.ErrThrottled, false},
		"no table":    {&types.ResourceNotFoundException{}, lockstore.ErrTableNotFound, false},
		"server":      {&types.InternalServerError{}, lockstore.ErrUnavailable, true},
		"its timeout": {fmt.Errorf("breaker: %w", context.DeadlineExceeded), lockstore.ErrUnavailable, true},
		"its cancel":  {context.Canceled, lockstore.ErrUnavailable, true},
	} {
		stub := &stubAPI{update: func(context.Context) (*dynamodb.UpdateItemOutput, error) { return nil, tt.err }}
		_, err := open(t, stub).Write(t.Context(), "k", ownerOnly)
		if e := storeError(t, err, tt.kind); e.Unknown != tt.unknown {
			t.Errorf("%s: %+v", name, e)
		}
		harmless(t, err)
	}
	// A failed condition is an answer; without time, since there was no header.
	stub := &stubAPI{update: func(context.Context) (*dynamodb.UpdateItemOutput, error) {
		return nil, &types.ConditionalCheckFailedException{Item: attributes{"key": text("k"), "owner": text("o")}}
	}}
	res, err := open(t, stub).Write(t.Context(), "k", ownerOnly)
	if err != nil || res.Applied || res.Record == nil || res.Record.Owner != "o" || res.Time.Known() {
		t.Errorf("%+v, %v", res, err)
	}
}

// An API may keep what it answers with; a record shares nothing with it.
func TestAnswersAreCopied(t *testing.T) {
	kept := []byte("data")
	stub := &stubAPI{get: func(context.Context) (*dynamodb.GetItemOutput, error) {
		return &dynamodb.GetItemOutput{Item: attributes{"owner": text("o"), "data": &types.AttributeValueMemberB{Value: kept}}}, nil
	}}
	res, err := open(t, stub).Get(t.Context(), "k", lockstore.Consistent)
	if err != nil {
		t.Fatal(err)
	}
	clear(res.Record.Data)
	if string(kept) != "data" {
		t.Error("shared")
	}
}

// Some engines leave out the item of a failed condition, and every held lock
// would look free.
func TestEngineWithoutTheItem(t *testing.T) {
	stub := &stubAPI{update: func(context.Context) (*dynamodb.UpdateItemOutput, error) {
		return nil, &types.ConditionalCheckFailedException{}
	}}
	w := ownerOnly
	w.If = lockstore.All(lockstore.Absent{})
	_, err := open(t, stub).Write(t.Context(), "k", w)
	if e := storeError(t, err, lockstore.ErrInvalidRequest); e.Unknown || !strings.Contains(e.Advice, "ReturnValuesOnConditionCheckFailure") {
		t.Errorf("%+v", e)
	}
	w.If = lockstore.All(lockstore.Exists{})
	if res, err := open(t, stub).Write(t.Context(), "k", w); err != nil || res.Record != nil || res.Applied {
		t.Errorf("%+v, %v", res, err)
	}
}

// patientProvider answers when it likes.

// Mistakes in the client's settings are told apart from a store that is down.
func TestMisconfiguredClients(t *testing.T) {
	for name, tt := range map[string]struct {
		options dynamodb.Options
		kind    error
		advice  string
	}{
		"no region":   {dynamodb.Options{}, lockstore.ErrInvalidRequest, "region"},
		"no endpoint": {dynamodb.Options{Region: "r", BaseEndpoint: aws.String("http://u:" + secretKey + "@[bad")}, lockstore.ErrInvalidRequest, "endpoint"},
	} {
		_, err := open(t, dynamodb.New(tt.options)).Write(t.Context(), "k", ownerOnly)
		if e := storeError(t, err, tt.kind); e.Unknown || !strings.Contains(e.Advice, tt.advice) {
			t.Errorf("%s: %+v", name, e)
		}
		harmless(t, err)
	}
}

// The options of a call leave the client's own alone.
func TestClientIsLeftAsItIs(t *testing.T) {
	r := newRig(t)
	client := enginetest.Client(t, func(o *dynamodb.Options) {
		o.APIOptions = slices.Grow(o.APIOptions, 8) // room for a careless append
	})
	store, err := dynamostore.New(client, r.table, dynamostore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	before := client.Options()
	if _, err := store.Get(t.Context(), "k", lockstore.Eventual); err != nil {
		t.Fatal(err)
	}
	now := client.Options()
	if len(now.APIOptions) != len(before.APIOptions) || now.RetryMaxAttempts != before.RetryMaxAttempts || fmt.Sprintf("%T", now.Credentials) != fmt.Sprintf("%T", before.Credentials) {
		t.Errorf("the client's options became %+v", now)
	}
	if extra := now.APIOptions[:cap(now.APIOptions)]; slices.ContainsFunc(extra, func(f func(*middleware.Stack) error) bool { return f != nil }) {
		t.Error("something was left in the client's array")
	}
}

// The SDK's request body must not be an io.WriterTo: see plainBody. Its length
// is still known, for DynamoDB takes no chunked ones.
func TestBodyIsPlain(t *testing.T) {
	r := newRig(t)
	r.wire.set(func(req *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if _, ok := req.Body.(io.WriterTo); ok || req.ContentLength <= 0 {
			t.Errorf("body %T of %d bytes", req.Body, req.ContentLength)
		}
		return send()
	})
	for op, call := range calls {
		if err := call(t.Context(), r.store); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
}
