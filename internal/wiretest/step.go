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
	Move    = "move" // to the client's session: the first renewal of a live lock
	Update  = "update"
	Release = "release" // and what deletes, or hands over to a waiter
	Join    = "join"    // the queue
	Leave   = "leave"   // the queue
	Get     = "get"
)

// ofSession reports whether a request's key is that of a session's record.
func ofSession(body []byte) bool {
	var in struct {
		Key map[string]struct{ S string }
	}
	if json.Unmarshal(body, &in) != nil {
		return false
	}
	for _, part := range in.Key {
		if strings.HasPrefix(part.S, sessionPrefix) {
			return true
		}
	}
	return false
}

// operation is the last part of X-Amz-Target: DynamoDB_20120810.UpdateItem.
func operation(request *http.Request) string {
	_, op, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	return op
}

var placeholder = regexp.MustCompile(`#\w+`)

// sessionPrefix begins the keys of the records that sessions have.
const sessionPrefix = "dynalock:session:"

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
	case changes["held"]: // of the first in the queue
		return Release
	case changes["owner"]:
		return Acquire
	case changes["isReleased"], changes["ended"]:
		return Release
	case changes["lease"]:
		return Renew
	case changes["session"]:
		return Move
	case changes["data"]:
		return Update
	case changes["queue"] && strings.Contains(in.UpdateExpression, "list_append"):
		return Join
	case changes["queue"]:
		return Leave
	}
	return op
}
