package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// instead answers without asking the engine, after asks it first and throws
// its answer away.
func instead(f func() (*http.Response, error)) fault {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) { return f() }
}

func after(f func() (*http.Response, error)) fault {
	return func(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		response, err := send()
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return f()
	}
}

func says(status int, body string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return answer(status, body), nil }
}

func refuses(status int, code, message string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return refusal(status, code, message), nil }
}

func breaks(err error) func() (*http.Response, error) {
	return func() (*http.Response, error) { return nil, err }
}

// truncates lets the engine do its work and cuts the answer short.
func truncates(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	response, err := send()
	if err == nil {
		body := response.Body
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(body, 1), body}
		response.ContentLength = -1
	}
	return response, err
}

const html = "<html><body>" + secretData + "</body></html>"

// Everything that can be answered in place of what DynamoDB answers. Whatever
// is not certainly a refusal of the service itself leaves a write unknown.
var faults = []struct {
	name    string
	fault   fault
	kind    error
	unknown bool
	advice  string // a part of it
}{
	{"answer lost", after(breaks(io.ErrUnexpectedEOF)), lockstore.ErrUnavailable, true, "try again"},
	{"reset after", after(breaks(syscall.ECONNRESET)), lockstore.ErrUnavailable, true, ""},
	{"reset before", instead(breaks(syscall.ECONNRESET)), lockstore.ErrUnavailable, true, ""},
	{"write error", instead(breaks(&net.OpError{Op: "write", Err: syscall.EPIPE})), lockstore.ErrUnavailable, true, ""},
	{"not connected", instead(breaks(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})), lockstore.ErrUnavailable, false, "endpoint"},
	{"no such host", instead(breaks(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}})), lockstore.ErrUnavailable, false, "endpoint"},
	{"500 after", after(refuses(500, "InternalServerError", "try again")), lockstore.ErrUnavailable, true, ""},
	{"500 before", instead(refuses(500, "InternalServerError", "try again")), lockstore.ErrUnavailable, true, ""},
	{"500 without body", after(says(500, "")), lockstore.ErrUnavailable, true, ""},
	{"502 of a proxy", after(says(502, html)), lockstore.ErrUnavailable, true, ""},
	{"503", after(refuses(503, "ServiceUnavailable", "")), lockstore.ErrUnavailable, true, ""},
	{"503 with a throttle's code", after(refuses(503, "ThrottlingException", "")), lockstore.ErrUnavailable, true, ""},
	{"500 with a failed condition", after(refuses(500, "ConditionalCheckFailedException", "")), lockstore.ErrUnavailable, true, ""},
	{"504 of a proxy", after(says(504, html)), lockstore.ErrUnavailable, true, ""},
	{"408", after(refuses(408, "RequestTimeout", "")), lockstore.ErrUnavailable, true, ""},
	{"400 with a server's code", after(refuses(400, "RequestTimeoutException", "")), lockstore.ErrUnavailable, true, ""},
	{"403 of a proxy", instead(says(403, html)), lockstore.ErrAccessDenied, true, "before DynamoDB"},
	{"403 of a gateway", instead(says(403, `{"message":"Forbidden"}`)), lockstore.ErrAccessDenied, true, "before DynamoDB"},
	{"407 of a proxy", instead(says(407, "")), lockstore.ErrAccessDenied, true, "before DynamoDB"},
	{"429 of a proxy", instead(says(429, html)), lockstore.ErrUnavailable, true, ""},
	{"404 of a web server", instead(says(404, html)), lockstore.ErrUnavailable, true, "not DynamoDB's"},
	{"400 without a code", instead(says(400, `{"message":"`+secretData+`"}`)), lockstore.ErrUnavailable, true, "not DynamoDB's"},
	{"400 without a body", instead(says(400, "")), lockstore.ErrUnavailable, true, "not DynamoDB's"},
	{"a code of nobody", instead(refuses(400, "BlockedByPolicy", secretData)), lockstore.ErrInvalidRequest, true, ""},
	{"a code that is none", instead(refuses(400, "no "+secretData, "")), lockstore.ErrUnavailable, true, ""},
	{"302", instead(says(302, html)), lockstore.ErrUnavailable, true, ""},
	{"truncated", truncates, lockstore.ErrUnavailable, true, ""},
	{"200 without a body", after(says(200, "")), lockstore.ErrUnavailable, true, ""},
	{"204", after(says(204, "")), lockstore.ErrUnavailable, true, ""},
	{"200 of a captive portal", after(says(200, html)), lockstore.ErrUnavailable, true, ""},
	{"200 with other JSON", after(says(200, `["`+secretData+`"]`)), lockstore.ErrUnavailable, true, ""},
	{"200 with a wrong type", after(says(200, `{"Attributes":"`+secretData+`","Item":"`+secretData+`","Items":7}`)), lockstore.ErrUnavailable, true, ""},
	{"throttled", instead(says(400, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down",
		"ThrottlingReasons":[{"reason":"TableWriteKeyRangeThroughputExceeded","resource":"arn:aws:dynamodb:us-east-1:1:table/locks"},{}]}`)),
		lockstore.ErrThrottled, false, "TableWriteKeyRangeThroughputExceeded of arn:aws:dynamodb:us-east-1:1:table/locks"},
	{"throttled by the account", instead(says(400, `{"__type":"com.amazonaws.dynamodb.v20120810#RequestLimitExceeded","message":"",
		"ThrottlingReasons":[{"reason":"TableReadAccountLimitExceeded"}]}`)), lockstore.ErrThrottled, false, "TableReadAccountLimitExceeded"},
	{"throttled by the control plane", instead(says(400, `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded",
		"throttlingReasons":[{"reason":"x"}]}`)), lockstore.ErrThrottled, false, "more slowly"},
	{"denied", instead(refuses(400, "AccessDeniedException", "User: arn:aws:iam::1:user/u is not authorized")), lockstore.ErrAccessDenied, false, "allow dynamodb:OP on table TABLE"},
	{"denied something else", instead(refuses(400, "AccessDeniedException", "User: u is not authorized to perform: kms:Decrypt on resource: x")),
		lockstore.ErrAccessDenied, false, "allow kms:Decrypt"},
	{"expired", instead(refuses(400, "ExpiredTokenException", "The security token included in the request is expired")), lockstore.ErrAccessDenied, false, "expired"},
	{"unknown credentials", instead(refuses(400, "UnrecognizedClientException", "The security token included in the request is invalid.")), lockstore.ErrAccessDenied, false, "not known"},
	{"wrong signature", instead(refuses(400, "InvalidSignatureException", "The Canonical String should have been: x-amz-security-token:"+sessionToken)),
		lockstore.ErrAccessDenied, false, "clock"},
	{"no such table", instead(refuses(400, "ResourceNotFoundException", "Requested resource not found")), lockstore.ErrTableNotFound, false, "CreateTable"},
	{"table is changed", instead(refuses(400, "ResourceInUseException", "")), lockstore.ErrUnavailable, false, "try again"},
	{"transaction under way", instead(refuses(400, "TransactionConflictException", "")), lockstore.ErrUnavailable, false, "try again"},
	{"collection full", instead(refuses(400, "ItemCollectionSizeLimitExceededException", "")), lockstore.ErrDataTooLarge, false, "full"},
	{"not understood", instead(refuses(400, "SerializationException", "")), lockstore.ErrInvalidRequest, false, ""},
	{"invalid", instead(refuses(400, "ValidationException", "1 validation error detected: Value '{:0={B: "+secretData+"' at 'x}}' at 'key' failed to satisfy constraint: short")),
		lockstore.ErrInvalidRequest, false, ""},
	{"invalid in a new way", instead(refuses(400, "ValidationException", "Value '"+secretData)), lockstore.ErrInvalidRequest, false, ""},
}

// calls are the four requests, each with an answer of its own to recognise.
var calls = map[string]func(context.Context, *dynamostore.Store) error{
	"GetItem": func(ctx context.Context, s *dynamostore.Store) error {
		_, err := s.Get(ctx, "k", lockstore.Consistent)
		return err
	},
	"UpdateItem": func(ctx context.Context, s *dynamostore.Store) error {
		res, err := s.Write(ctx, "k", lockstore.Write{Do: []lockstore.Change{
			lockstore.SetOwner("o"), lockstore.SetData{Bytes: []byte(secretData)},
		}})
		if err != nil && (res.Applied || res.Record != nil) {
			return fmt.Errorf("a result %+v beside the error %w", res, err)
		}
		return err
	},
	"DeleteItem": func(ctx context.Context, s *dynamostore.Store) error {
		_, err := s.Write(ctx, "k", lockstore.Write{Delete: true})
		return err
	},
	"Scan": func(ctx context.Context, s *dynamostore.Store) error {
		_, err := s.Scan(ctx, lockstore.Query{})
		return err
	},
}

func isWrite(op string) bool { return op == "UpdateItem" || op == "DeleteItem" }

func TestFaults(t *testing.T) {
	r := newRig(t)
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			for op, call := range calls {
				r.wire.set(tt.fault)
				err := call(t.Context(), r.store)
				r.wire.set(r.count(t, op))
				e := storeError(t, err, tt.kind)
				if e.Op != op || e.Scope != r.table {
					t.Errorf("%s: of %s on %s", op, e.Op, e.Scope)
				}
				if e.Unknown != (tt.unknown && isWrite(op)) {
					t.Errorf("%s: unknown %v: %v", op, e.Unknown, err)
				}
				advice := strings.NewReplacer("OP", op, "TABLE", r.table).Replace(tt.advice)
				if !strings.Contains(e.Advice, advice) {
					t.Errorf("%s: the advice is %q", op, e.Advice)
				}
				harmless(t, err)
			}
		})
	}
}

// count checks that exactly one request was made so far, though the SDK's
// client was told to try five times.
func (r *rig) count(t *testing.T, op string) fault {
	t.Helper()
	if got := r.wire.requests(); len(got) != 1 || got[0].op != op {
		t.Errorf("%d requests, want one %s", len(got), op)
	}
	return nil
}

// harmless checks that an error shows no secret in any form, and none of the
// context errors that its caller did not cause.
func harmless(t *testing.T, err error) {
	t.Helper()
	for _, form := range []string{"%v", "%+v", "%#v", "%q"} {
		for _, secret := range []string{secretKey, sessionToken, secretData} {
			if strings.Contains(fmt.Sprintf(form, err), secret) {
				t.Errorf("%s shows %s: %v", form, secret, err)
			}
		}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), secretData) || strings.Contains(e.Error(), sessionToken) {
			t.Errorf("unwrapped it shows a secret: %v", e)
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("looks like the caller's doing: %v", err)
	}
}

// Whether a write was applied is found by looking, and Unknown says when.
func TestUnknownWritesAreThere(t *testing.T) {
	r := newRig(t)
	for name, f := range map[string]fault{
		"answer lost": after(breaks(io.ErrUnexpectedEOF)), "500": after(refuses(500, "InternalServerError", "")), "truncated": truncates,
		"empty": after(says(200, "")), "nothing in it": after(says(200, "{}")), "null": after(says(200, "null")),
	} {
		r.wire.set(f)
		res, err := r.store.Write(t.Context(), name, lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o")}})
		if e := storeError(t, err, lockstore.ErrUnavailable); !e.Unknown || res.Applied {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
		if r.item(name) == nil {
			t.Errorf("%s: the engine has nothing", name)
		}
	}
}

// A dead engine's port refuses: nothing was sent, for certain.
func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	store, err := dynamostore.New(enginetest.NewClient("http://"+l.Addr().String(), &http.Client{}), "locks", dynamostore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for op, call := range calls {
		err := call(t.Context(), store)
		if e := storeError(t, err, lockstore.ErrUnavailable); e.Unknown || !strings.Contains(e.Advice, "nothing was sent") {
			t.Errorf("%s: %+v", op, e)
		}
	}
}

// An HTTP client's own time limit is none of the caller's.
func TestTimeoutOfTheHTTPClient(t *testing.T) {
	table := enginetest.Table(t, enginetest.Client(t))
	hangs := &wire{spoil: func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}}
	client := enginetest.NewClient(enginetest.Endpoint(t), &http.Client{Transport: hangs, Timeout: 20 * time.Millisecond})
	store, err := dynamostore.New(client, table, dynamostore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for op, call := range calls {
		err := call(t.Context(), store)
		if e := storeError(t, err, lockstore.ErrUnavailable); e.Unknown != isWrite(op) {
			t.Errorf("%s: %+v", op, e)
		}
		harmless(t, err)
	}
}
