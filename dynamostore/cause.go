package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A quietError stands for an error of the SDK. It has words of its own, since
// the SDK's may show what must not be in a log, and it matches no context
// error: only the caller's context may look like one, and an HTTP client's
// time limit matches context.DeadlineExceeded too. It has no Unwrap, which
// would undo both; errors.As still finds the SDK's types.
type quietError struct {
	err  error
	text string
}

func (e *quietError) Error() string { return e.text }

func (e *quietError) Is(target error) bool {
	return target != context.Canceled && target != context.DeadlineExceeded && errors.Is(e.err, target)
}

func (e *quietError) As(target any) bool { return errors.As(e.err, target) }

// cause gives the Err of a failure: it matches a context error exactly if the
// caller's context has ended.
func cause(ctx context.Context, a *attempted, err error) error {
	ended := callerEnded(ctx)
	switch {
	case ended != nil && errors.Is(err, ctx.Err()):
		return ended
	case ended != nil:
		return fmt.Errorf("%w: %w", ended, quiet(err))
	case a.late && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		return errCallLimit
	}
	return quiet(err)
}

// callerEnded gives how a context ended, the cause that it was given included.
func callerEnded(ctx context.Context) error {
	ended, why := ctx.Err(), context.Cause(ctx)
	if why != ended {
		return fmt.Errorf("%w: %w", ended, why)
	}
	return ended
}

func quiet(err error) error { return &quietError{err, words(err)} }

// words says what is known to be harmless of an error.
func words(err error) string {
	var (
		credentials *credentialsError
		api         smithy.APIError
		unreadable  *smithy.DeserializationError
		send        *smithyhttp.RequestSendError
	)
	switch {
	case errors.As(err, &credentials):
		return "the credentials provider failed" // with whatever a helper program printed
	case errors.As(err, &api):
		return apiWords(api, err)
	case errors.As(err, &unreadable):
		return fmt.Sprintf("the answer (HTTP %d) cannot be read", httpStatus(err)) // the parser repeats what it stumbled over
	case strings.Contains(err.Error(), "resolve service endpoint"):
		return "the SDK found no endpoint" // which may have a password in it
	case errors.As(err, &send):
		return send.Err.Error() // without the SDK's preface about an answer that there was not
	}
	return err.Error()
}

// apiWords repeats the service's messages. Somebody else's may quote the
// request.
func apiWords(api smithy.APIError, err error) string {
	code := api.ErrorCode()
	text := fmt.Sprintf("HTTP %d", httpStatus(err))
	switch {
	case ofService(code) && !strings.Contains(code, "Signature"):
		text = code + ": " + withoutValues(api.ErrorMessage())
	case isCode(code): // a signature's error repeats the signed headers, session token and all
		text = code
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.RequestID != "" {
		text += " (request " + response.RequestID + ")"
	}
	return text
}

// withoutValues cuts out what a constraint's message quotes of the request:
// "Value '...' at 'x' failed to satisfy constraint". Of several such parts all
// is cut from the first quotation to the last, since values may look like the
// text between them.
func withoutValues(message string) string {
	const before, after = "Value '", "' at '"
	from := strings.Index(message, before)
	if from < 0 {
		return message
	}
	from += len(before)
	to := strings.LastIndex(message[from:], after)
	if to < 0 {
		return message[:from] + "..."
	}
	return message[:from] + "..." + message[from+to:]
}
