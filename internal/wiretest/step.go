package wiretest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// The steps. Other requests have their operation's name as their step.
const (
	Acquire = "acquire" // a takeover and a resume too: whatever begins a tenure
	Renew   = "renew"
	Update  = "update"
	Release = "release" // and what deletes
	Get     = "get"
)

// operation is the last part of X-Amz-Target: DynamoDB_20120810.UpdateItem.
func operation(request *http.Request) string {
	_, op, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	return op
}

var placeholder = regexp.MustCompile(`#\w+`)

// step tells from the attributes that a write changes what it is for.
func step(op string, body []byte) string {
	switch op {
	case "GetItem":
		return Get
	case "DeleteItem":
		return Release
	case "UpdateItem":
	default:
		return op
	}
	var in struct {
		UpdateExpression         string
		ExpressionAttributeNames map[string]string
	}
	if json.Unmarshal(body, &in) != nil {
		return op
	}
	changes := map[string]bool{}
	for _, p := range placeholder.FindAllString(in.UpdateExpression, -1) {
		changes[in.ExpressionAttributeNames[p]] = true
	}
	switch {
	case changes["owner"]:
		return Acquire
	case changes["isReleased"], changes["ended"]:
		return Release
	case changes["lease"]:
		return Renew
	case changes["data"]:
		return Update
	}
	return op
}
