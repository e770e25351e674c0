package dynamostore

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// fail makes an SDK error a store's. ctx is the caller's, without the limit of
// the call.
func (s *Store) fail(ctx context.Context, a *attempted, err error) error {
	e := s.classify(ctx, a, err)
	e.Op, e.Scope = a.op, s.table
	e.Unknown = e.Unknown && !a.reads()
	e.Err = cause(ctx, a, err)
	if e.Kind == lockstore.ErrTableSchema {
		e.Advice = s.explainSchema(ctx)
	}
	return e
}

// classify finds kind, advice, and whether the write may have been applied. In
// doubt it may have: the client then looks, where a wrong "no" would leave a
// lock that nobody knows of.
func (s *Store) classify(ctx context.Context, a *attempted, err error) *lockstore.Error {
	if a.certainlyNotSent() {
		return notSent(ctx, a, err)
	}
	var api smithy.APIError
	if errors.As(err, &api) && refused(httpStatus(err)) {
		if e := s.byCode(a, api, err); e != nil {
			return e
		}
	}
	e := &lockstore.Error{Kind: lockstore.ErrUnavailable, Unknown: !neverConnected(err)}
	switch status := httpStatus(err); {
	case a.late || ctx.Err() != nil:
		e.Advice = "no answer in time"
	case !e.Unknown:
		e.Advice = "check the client's endpoint and the network; nothing was sent"
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		e.Kind, e.Advice = lockstore.ErrAccessDenied, "something before DynamoDB refused the request; check proxies and the endpoint"
	case status >= 300 && refused(status):
		e.Advice = "this answer is not DynamoDB's; check proxies and the endpoint"
	default:
		e.Advice = "no usable answer; try again"
	}
	return e
}

// notSent tells failures before there was a request to send.
func notSent(ctx context.Context, a *attempted, err error) *lockstore.Error {
	e := &lockstore.Error{Kind: lockstore.ErrUnavailable}
	var credentials *credentialsError
	var params smithy.InvalidParamsError
	var serialize *smithy.SerializationError
	switch text := err.Error(); {
	case a.unasked || ctx.Err() != nil:
		e.Advice = "the call ended before anything was sent"
	case errors.As(err, &credentials):
		e.Kind, e.Advice = lockstore.ErrAccessDenied, "the SDK got no credentials; check the client's credentials provider"
	case a.late:
		e.Advice = "the call ended before anything was sent"
	case errors.As(err, &params), errors.As(err, &serialize):
		e.Kind = lockstore.ErrInvalidRequest
	// The SDK has no types for these (service/dynamodb/auth.go, endpoints.go).
	case strings.Contains(text, "sign request"), strings.Contains(text, "auth scheme"):
		e.Kind, e.Advice = lockstore.ErrAccessDenied, "the request could not be signed; check the client's credentials"
	case strings.Contains(text, "resolve service endpoint"):
		e.Kind, e.Advice = lockstore.ErrInvalidRequest, "check the client's region and endpoint (config.LoadDefaultConfig takes them from the environment, aws.NewConfig does not)"
	}
	return e
}

// refused reports a status by which a server says that it did not do it. 408
// says that it waited, and a 5xx that it may have: "the write may have
// succeeded or failed" (Developer Guide, "Error handling"). 0 is an API that
// speaks no HTTP, whose codes are taken at their word.
func refused(status int) bool {
	return status == 0 || status >= 400 && status < 500 && status != http.StatusRequestTimeout
}

// neverConnected reports whether it is certain that no byte of the request
// left. Go's transport sends a POST anew, and so dials again, only where it
// had written nothing of it.
func neverConnected(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

func httpResponse(err error) *http.Response {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.ResponseError != nil && response.Response != nil {
		return response.Response.Response
	}
	return nil
}

func httpStatus(err error) int {
	if response := httpResponse(err); response != nil {
		return response.StatusCode
	}
	return 0
}

func (s *Store) invalid(op, advice string) error {
	return &lockstore.Error{Kind: lockstore.ErrInvalidRequest, Op: op, Scope: s.table, Advice: advice}
}

func (s *Store) malformed(op string, err error, written bool) error {
	return &lockstore.Error{
		Kind: lockstore.ErrMalformed, Op: op, Scope: s.table, Err: err, Unknown: written,
		Advice: "something other than dynalock wrote this item; look at it and remove it",
	}
}
