package wiretest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// A Fault answers in place of the engine.
type Fault func(*Call) (*http.Response, error)

// reset is what net/http gives where the other side closed the connection.
func reset() (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// ApplyCut lets the engine do its work and closes the connection before the
// answer.
func ApplyCut(c *Call) (*http.Response, error) {
	if _, err := c.carryOut(); err != nil {
		return nil, err
	}
	return reset()
}

// Apply500 lets the engine do its work and answers with a server's error.
func Apply500(c *Call) (*http.Response, error) {
	if _, err := c.carryOut(); err != nil {
		return nil, err
	}
	return Refuse(http.StatusInternalServerError, "InternalServerError", "The request could not be completed.")(c)
}

// Garble lets the engine do its work and cuts its answer in the middle.
func Garble(c *Call) (*http.Response, error) {
	response, err := c.carryOut()
	if err == nil {
		response.Body = io.NopCloser(io.LimitReader(response.Body, 10))
		response.ContentLength = -1
	}
	return response, err
}

// Cut closes the connection before the engine sees the request.
func Cut(*Call) (*http.Response, error) { return reset() }

// BlackHole swallows the request: there is no answer until the client gives
// up, or [Wire.Heal].
func BlackHole(c *Call) (*http.Response, error) {
	select {
	case <-c.request.Context().Done():
		return nil, c.request.Context().Err()
	case <-c.healed:
		return reset()
	}
}

// Throttle refuses for load.
func Throttle(c *Call) (*http.Response, error) {
	return Refuse(http.StatusBadRequest, "ProvisionedThroughputExceededException",
		"The level of configured provisioned throughput for the table was exceeded.")(c)
}

// Deny refuses as IAM does.
func Deny(c *Call) (*http.Response, error) {
	const user = "User: arn:aws:iam::123456789012:user/tester is not authorized to perform: dynamodb:"
	return Refuse(http.StatusBadRequest, "AccessDeniedException",
		user+c.Op+" on resource: arn:aws:dynamodb:us-east-1:123456789012:table/locks because no identity-based policy allows the dynamodb:"+c.Op+" action")(c)
}

// Expired refuses credentials that were good once.
func Expired(c *Call) (*http.Response, error) {
	return Refuse(http.StatusBadRequest, "ExpiredTokenException", "The security token included in the request is expired")(c)
}

// Refuse answers with an error of DynamoDB's, in its own form.
func Refuse(status int, code, message string) Fault {
	return func(c *Call) (*http.Response, error) {
		body := fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, message)
		return &http.Response{
			Status: http.StatusText(status), StatusCode: status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{
				"Content-Type": {"application/x-amz-json-1.0"},
				"Date":         {time.Now().UTC().Format(http.TimeFormat)},
			},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: c.request,
		}, nil
	}
}

// Hold lets the engine do its work and keeps the answer back until the gate
// opens or the client gives up.
func Hold(g *Gate) Fault {
	return func(c *Call) (*http.Response, error) {
		response, err := c.carryOut()
		g.arrive()
		select {
		case <-g.open:
			return response, err
		case <-c.request.Context().Done():
			return nil, c.request.Context().Err()
		}
	}
}

// Late delivers the request once the gate opens, also after the client gave
// up. The client never gets the answer.
func Late(g *Gate) Fault {
	return func(c *Call) (*http.Response, error) {
		c.wire.behind.Go(func() {
			select {
			case <-g.open:
			case <-c.wire.life.Done():
				return
			}
			if response, err := c.carryOut(); err == nil {
				g.deliver(response.StatusCode)
			}
		})
		g.arrive()
		return BlackHole(c)
	}
}
