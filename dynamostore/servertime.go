package dynamostore

import (
	"errors"
	"net/http"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// timeOf gives the store's time by a success.
func timeOf(success middleware.Metadata) lockstore.TimeBounds {
	if raw, ok := awsmiddleware.GetRawResponse(success).(*smithyhttp.Response); ok && raw != nil && raw.Response != nil {
		return readDate(raw.Header)
	}
	return lockstore.TimeBounds{}
}

// timeOfFailure gives the store's time by a failure. Without one of the
// service's codes the answer is somebody else's, by who knows what clock.
func timeOfFailure(err error) lockstore.TimeBounds {
	var api smithy.APIError
	if !errors.As(err, &api) || !ofService(api.ErrorCode()) {
		return lockstore.TimeBounds{}
	}
	if response := httpResponse(err); response != nil {
		return readDate(response.Header)
	}
	return lockstore.TimeBounds{}
}

// readDate reads the Date header, in the one form that HTTP lets servers send:
// the SDK's own reader also takes forms with a zone or a two-digit year, which
// Go may read hours or a century off. An answer with Age came out of a cache:
// its Date is that of an earlier one, and no bound for now.
func readDate(header http.Header) lockstore.TimeBounds {
	dates := header.Values("Date")
	if len(dates) != 1 || len(header.Values("Age")) > 0 {
		return lockstore.TimeBounds{}
	}
	date, err := time.Parse(http.TimeFormat, dates[0])
	if err != nil || date.Format(http.TimeFormat) != dates[0] || date.Unix() <= 0 {
		return lockstore.TimeBounds{}
	}
	// Date is cut off to whole seconds.
	return lockstore.TimeBounds{Earliest: date, Latest: date.Add(time.Second)}
}
