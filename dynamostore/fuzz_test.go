package dynamostore_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

var kinds = []error{
	lockstore.ErrNotFound, lockstore.ErrTableNotFound, lockstore.ErrTableSchema, lockstore.ErrAccessDenied, lockstore.ErrThrottled,
	lockstore.ErrUnavailable, lockstore.ErrMalformed, lockstore.ErrDataTooLarge, lockstore.ErrInvalidRequest,
}

// Whatever comes back over HTTP is a record or an error of one of the kinds;
// nothing that is not a refusal calls a write certainly not applied.
func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", "[]", "[", "\"", html, `{"__type":"x"}`, `{"__type":1}`, `{"__type":"a#ValidationException","message":"Value 'x"}`,
		`{"__type":"a#ConditionalCheckFailedException","Item":{"owner":{"S":"o"}}}`, `{"__type":"a#ConditionalCheckFailedException","Item":{"owner":{"Q":1}}}`,
		`{"__type":"a#ProvisionedThroughputExceededException","ThrottlingReasons":[null,{"reason":null}]}`, `{"__type":"#"}`, `{"__type":":"}`,
		`{"Attributes":{"owner":{"S":"o"}}}`, `{"Attributes":{"owner":null}}`, `{"Attributes":{"owner":{}}}`, `{"Attributes":{"owner":{"S":"o","N":"1"}}}`,
		`{"Item":{"owner":{"S":"o"}},"Attributes":{"queue":{"L":[null,{"M":null}]}}}`, `{"Items":[{"key":{"S":"k"}},null],"LastEvaluatedKey":{"key":{"N":"1"}}}`,
	} {
		for _, status := range []int{200, 204, 302, 400, 403, 408, 500, 503} {
			f.Add(status, "", body)
		}
	}
	f.Add(400, "AccessDeniedException", "{")
	f.Add(400, "", `{"__type":"a#ValidationException","message":"Value '`+secretData+`' at 'x' failed"}`)
	f.Add(400, "NobodysException", `{"message":"`+secretData+`"}`)
	f.Add(500, "", `{"__type":"a b","Message":"`+secretData+`"}`)
	f.Add(200, "", `{"Attributes":{"owner":{"N":"`+secretData+`"},"`+secretData+`":7}}`)
	f.Fuzz(func(t *testing.T, status int, code, body string) {
		if status < 100 || status > 999 {
			return
		}
		w := &wire{spoil: instead(func() (*http.Response, error) {
			response := answer(status, body)
			if code != "" {
				response.Header.Set("X-Amzn-ErrorType", code)
			}
			return response, nil
		})}
		store, err := dynamostore.New(enginetest.NewClient("http://dynamodb.test", w), "locks", dynamostore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for op, call := range calls {
			err := call(t.Context(), store)
			if err == nil {
				continue
			}
			e, ok := errors.AsType[*lockstore.Error](err)
			if !ok || e.Op != op || e.Scope != "locks" || !oneKind(err) {
				t.Fatalf("%s: %#v", op, err)
			}
			if !isWrite(op) && e.Unknown || isWrite(op) && !e.Unknown && (status < 400 || status >= 500 || status == 408) {
				t.Fatalf("%s: HTTP %d: unknown %v: %v", op, status, e.Unknown, err)
			}
			// What DynamoDB says under one of its codes is repeated, and a word as
			// another's code; neither is data.
			var api smithy.APIError
			if !errors.As(err, &api) || !dynamostore.OfService(api.ErrorCode()) && !strings.Contains(api.ErrorCode(), secretData) {
				harmless(t, err)
			}
		}
	})
}

func oneKind(err error) bool {
	n := 0
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			n++
		}
	}
	return n == 1
}
