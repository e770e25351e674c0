package dynamostore

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// byCode reads what the service said in a refusal, or gives nil where it said
// nothing that it is known by: an answer without a code is a proxy's, which
// may have passed the request on before it gave up.
func (s *Store) byCode(a *attempted, api smithy.APIError, err error) *lockstore.Error {
	switch code := api.ErrorCode(); {
	case !isCode(code), fromServer[code]:
		return nil
	case throttles[code]:
		return &lockstore.Error{Kind: lockstore.ErrThrottled, Advice: throttleAdvice(err)}
	case denials[code] != "":
		return s.denied(a, api)
	case code == "ResourceNotFoundException":
		return &lockstore.Error{Kind: lockstore.ErrTableNotFound, Advice: "create it with Client.CreateTable, or check the client's region and account"}
	case code == "ValidationException":
		return validation(api.ErrorMessage())
	case code == "ItemCollectionSizeLimitExceededException":
		return &lockstore.Error{Kind: lockstore.ErrDataTooLarge, Advice: "the items under this partition key are full"}
	case code == "TransactionConflictException", code == "ReplicatedWriteConflictException":
		return &lockstore.Error{Kind: lockstore.ErrUnavailable, Advice: "another write on this item was under way; try again"}
	case code == "ResourceInUseException":
		return &lockstore.Error{Kind: lockstore.ErrUnavailable, Advice: "the table is being created, changed or deleted; try again"}
	case code == "SerializationException", code == "UnknownOperationException":
		return &lockstore.Error{Kind: lockstore.ErrInvalidRequest}
	}
	// A code from nobody knows where.
	return &lockstore.Error{Kind: lockstore.ErrInvalidRequest, Unknown: true}
}

// isCode tells a code of the service from what stands in for none.
func isCode(code string) bool { return code != "UnknownError" && identifier.MatchString(code) }

var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{0,79}$`)

// ofService tells the codes that DynamoDB is known by. Others may come from
// anything between here and there.
func ofService(code string) bool {
	return throttles[code] || denials[code] != "" || fromServer[code] || others[code]
}

// others are the codes besides that byCode knows.
var others = map[string]bool{
	"ConditionalCheckFailedException":          true,
	"ResourceNotFoundException":                true,
	"ResourceInUseException":                   true,
	"ValidationException":                      true,
	"SerializationException":                   true,
	"UnknownOperationException":                true,
	"TransactionConflictException":             true,
	"ReplicatedWriteConflictException":         true,
	"ItemCollectionSizeLimitExceededException": true,
}

// fromServer are codes that leave the outcome open whatever their status.
var fromServer = map[string]bool{
	"InternalServerError":         true,
	"InternalFailure":             true,
	"InternalError":               true,
	"ServiceUnavailable":          true,
	"ServiceUnavailableException": true,
	"RequestTimeout":              true,
	"RequestTimeoutException":     true,
}

var throttles = map[string]bool{
	"ProvisionedThroughputExceededException": true,
	"ThrottlingException":                    true,
	"RequestLimitExceeded":                   true,
	"Throttling":                             true,
	"ThrottledException":                     true,
	"RequestThrottled":                       true,
	"RequestThrottledException":              true,
	"TooManyRequestsException":               true,
	"LimitExceededException":                 true, // too many table operations at once
}

// throttleAdvice repeats which limit was hit, which decides the remedy: a hot
// key needs fewer tries, a table more capacity (Developer Guide, "Diagnosing
// throttling").
func throttleAdvice(err error) string {
	var reasons []types.ThrottlingReason
	var provisioned *types.ProvisionedThroughputExceededException
	var requests *types.RequestLimitExceeded
	var throttling *types.ThrottlingException
	switch {
	case errors.As(err, &provisioned):
		reasons = provisioned.ThrottlingReasons
	case errors.As(err, &requests):
		reasons = requests.ThrottlingReasons
	case errors.As(err, &throttling):
		reasons = throttling.ThrottlingReasons
	}
	advice := "try again more slowly"
	for _, r := range reasons {
		if r.Reason == nil {
			continue
		}
		advice += "; " + *r.Reason
		if r.Resource != nil {
			advice += " of " + *r.Resource
		}
	}
	return advice
}

// denials are the codes of refused credentials and what helps: %[1]s is the
// action, %[2]s the table.
var denials = map[string]string{
	"AccessDeniedException":               "allow %[1]s on table %[2]s for these credentials",
	"AccessDenied":                        "allow %[1]s on table %[2]s for these credentials",
	"NotAuthorized":                       "allow %[1]s on table %[2]s for these credentials",
	"UnrecognizedClientException":         "the credentials are not known there; check them and the region",
	"InvalidClientTokenId":                "the credentials are not known there; check them and the region",
	"InvalidAccessKeyId":                  "the credentials are not known there; check them and the region",
	"ExpiredTokenException":               "the credentials have expired; get new ones",
	"ExpiredToken":                        "the credentials have expired; get new ones",
	"InvalidSignatureException":           "the signature was refused; check the secret key and this machine's clock",
	"SignatureDoesNotMatch":               "the signature was refused; check the secret key and this machine's clock",
	"IncompleteSignature":                 "the signature was refused as incomplete",
	"IncompleteSignatureException":        "the signature was refused as incomplete",
	"RequestExpired":                      "the signature was refused; check this machine's clock",
	"RequestTimeTooSkewed":                "the signature was refused; check this machine's clock",
	"MissingAuthenticationToken":          "the request had no credentials",
	"MissingAuthenticationTokenException": "the request had no credentials",
	"OptInRequired":                       "the account may not use DynamoDB there",
	"SubscriptionRequiredException":       "the account may not use DynamoDB there",
	"KMSAccessDeniedException":            "allow the use of the table's KMS key",
}

// deniedAction finds the action in "... is not authorized to perform:
// dynamodb:TagResource on resource ...", which need not be the one called.
var deniedAction = regexp.MustCompile(`to perform: ([a-z0-9-]+:[A-Za-z]+)`)

func (s *Store) denied(a *attempted, api smithy.APIError) *lockstore.Error {
	advice := denials[api.ErrorCode()]
	if strings.Contains(advice, "%") {
		action := "dynamodb:" + a.op
		if found := deniedAction.FindStringSubmatch(api.ErrorMessage()); found != nil {
			action = found[1]
		}
		advice = fmt.Sprintf(advice, action, s.table)
	}
	return &lockstore.Error{Kind: lockstore.ErrAccessDenied, Advice: advice}
}

// validation reads messages, for the one code stands for much.
func validation(message string) *lockstore.Error {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(message, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("key element does not match the schema", "number of conditions on the keys is invalid",
		"required keys was not given a value", "Missing the key", "Type mismatch for key"):
		return &lockstore.Error{Kind: lockstore.ErrTableSchema}
	case has("Item size", "item size"):
		return &lockstore.Error{Kind: lockstore.ErrDataTooLarge, Advice: "DynamoDB takes items of 400 KB, names and attributes of your own included"}
	case has("operand in the update expression has an incorrect data type", "Operands for + must be numbers",
		"invalid for update", "attribute that does not exist in the item"):
		return &lockstore.Error{Kind: lockstore.ErrMalformed, Advice: "the item has attributes that dynalock did not write; look at it and remove it"}
	}
	return &lockstore.Error{Kind: lockstore.ErrInvalidRequest}
}
