package dynamostore

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// CallLimit is how long one request may take, whatever its context allows. The
// SDK sets no limit of its own, so a connection that went dead would hold the
// call for ever.
const CallLimit = 5 * time.Second

// Replicated writes that collided, tables with multi-Region strong consistency
// only, are tried again here: nothing was applied, and the SDK does not.
const (
	conflictRetries = 3
	conflictBackoff = 20 * time.Millisecond // doubled each time, with jitter
)

var (
	errCallLimit = errors.New("no answer within " + CallLimit.String())
	errNoAnswer  = errors.New("the answer is empty")
)

// An attempted is what is known of one attempt beside its answer. Its fields
// are atomic because what wraps the SDK's client may have left it running.
type attempted struct {
	op      string
	unasked bool // the context had ended before anybody was asked
	late    bool // CallLimit ended it

	// Set by the SDK's middleware, so false where the API is no SDK client.
	finished atomic.Bool // the SDK is done with the request
	sent     atomic.Bool // the request was about to go to the HTTP client
	answered atomic.Bool // an HTTP answer came
	bytes    atomic.Int64
}

// attempt makes one call. Its result is never a nil output without an error.
func attempt[In, Out any](ctx context.Context, op string, in *In,
	call func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error),
) (*Out, *attempted, error) {
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > CallLimit {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, CallLimit, errCallLimit)
		defer cancel()
	}
	for try := 0; ; try++ {
		a := &attempted{op: op}
		if ctx.Err() != nil {
			a.unasked, a.late = true, context.Cause(ctx) == errCallLimit
			return nil, a, ctx.Err()
		}
		out, err := call(ctx, in, a.options)
		if err == nil && (out == nil || a.emptyAnswer()) {
			err = errNoAnswer
		}
		a.late = context.Cause(ctx) == errCallLimit
		var conflict *types.ReplicatedWriteConflictException
		if err == nil || try == conflictRetries || !errors.As(err, &conflict) ||
			!pause(ctx, conflictBackoff<<try) {
			return out, a, err
		}
	}
}

// pause waits for most of that time, or says that there is no time for it.
func pause(ctx context.Context, most time.Duration) bool {
	timer := time.NewTimer(most/2 + rand.N(most/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// reads reports whether the operation changes nothing.
func (a *attempted) reads() bool {
	switch a.op {
	case "GetItem", "Scan", "DescribeTable", "DescribeTimeToLive":
		return true
	}
	return false
}

// certainlyNotSent reports whether the request never reached the HTTP client
// and never will. Without that knowledge it counts as sent.
func (a *attempted) certainlyNotSent() bool {
	return a.unasked || a.finished.Load() && !a.sent.Load()
}

// emptyAnswer reports an HTTP answer without a body. DynamoDB has none such,
// but the SDK takes it for a success with nothing in it: an item that is not
// there, a delete that was done.
func (a *attempted) emptyAnswer() bool { return a.answered.Load() && a.bytes.Load() == 0 }

// options makes the SDK try once, whatever its client was told, and tell how
// far it came.
func (a *attempted) options(o *dynamodb.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RetryMaxAttempts = 1
	if o.Credentials != nil {
		o.Credentials = patient{o.Credentials}
	}
	// Clipped: appending in place could write into the client's own array.
	o.APIOptions = append(slices.Clip(o.APIOptions), a.watch)
}

func (a *attempted) watch(stack *middleware.Stack) error {
	if err := stack.Initialize.Add((*watchWhole)(a), middleware.Before); err != nil {
		return err
	}
	// Innermost: what comes after it is the HTTP client.
	return stack.Deserialize.Add((*watchSent)(a), middleware.After)
}

type (
	watchWhole attempted
	watchSent  attempted
)

func (*watchWhole) ID() string { return "dynalock:whole" }
func (*watchSent) ID() string  { return "dynalock:sent" }

func (w *watchWhole) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	defer w.finished.Store(true)
	return next.HandleInitialize(ctx, in)
}

func (w *watchSent) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	if request, ok := in.Request.(*smithyhttp.Request); ok {
		in.Request = plainBody(request)
	}
	w.sent.Store(true)
	out, metadata, err := next.HandleDeserialize(ctx, in)
	if response, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil && response.Response != nil && response.Body != nil {
		w.answered.Store(true)
		response.Body = counted{response.Body, &w.bytes}
	}
	return out, metadata, err
}

// plainBody takes io.WriterTo off the request's body. The SDK closes the body
// as soon as an answer begins, and its WriteTo then fails with io.EOF. On a
// busy machine that happens while net/http still looks for surplus bytes, and
// costs the connection, sometimes together with the answer that is being read:
// a write that went well, reported as unknown. (smithy-go 1.28.9,
// transport/http/internal/io/safe.go.)
func plainBody(request *smithyhttp.Request) *smithyhttp.Request {
	stream, ok := request.GetStream().(io.ReadSeeker)
	if !ok {
		return request
	}
	plain, err := request.SetStream(struct{ io.ReadSeeker }{stream})
	if err != nil {
		return request
	}
	return plain
}

// counted counts the bytes of an answer's body.
type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}
