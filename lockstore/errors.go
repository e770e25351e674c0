package lockstore

import (
	"errors"
	"strings"
)

// The kinds of failure. An [*Error] matches exactly one of them.
var (
	// ErrNotFound: there is nothing under that key. (Stores answer with a nil
	// Record instead; the client turns it into this.)
	ErrNotFound = errors.New("no such lock")
	// ErrTableNotFound: the table does not exist, or not yet.
	ErrTableNotFound = errors.New("table not found")
	// ErrTableSchema: the table's keys are not those that the store was told.
	ErrTableSchema = errors.New("table has other keys")
	// ErrAccessDenied: the credentials are missing, expired or not allowed.
	ErrAccessDenied = errors.New("access denied")
	// ErrThrottled: refused for load, certainly not applied.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: no usable answer in time. See Error.Unknown.
	ErrUnavailable = errors.New("store unavailable")
	// ErrMalformed: something other than dynalock wrote this item.
	ErrMalformed = errors.New("malformed lock item")
	// ErrDataTooLarge: the item would not fit.
	ErrDataTooLarge = errors.New("data too large")
	// ErrInvalidRequest: the store refused the request as wrong; trying again
	// does not help.
	ErrInvalidRequest = errors.New("request refused as invalid")
)

// An Error is a store's failure. errors.Is matches its Kind and its cause.
type Error struct {
	Kind    error  // one of the kinds above
	Op      string // what was asked, such as "UpdateItem"
	Scope   string // where, such as the table's name
	Advice  string // what the user can do; may be empty
	Unknown bool   // the write may have been applied all the same
	Err     error  // cause; may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	if e.Scope != "" || e.Op != "" {
		b.WriteString(" (")
		b.WriteString(strings.TrimSpace(e.Op + " " + e.Scope))
		b.WriteString(")")
	}
	if e.Advice != "" {
		b.WriteString(": ")
		b.WriteString(e.Advice)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Is reports whether target is the error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
