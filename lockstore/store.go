package lockstore

import (
	"context"
	"time"
)

// A Store holds lock records. Implementations are safe for concurrent use, and
// end a call early when its context ends.
type Store interface {
	// Get reads the record under key. A key without a record is a Result
	// with a nil Record, not an error.
	Get(ctx context.Context, key string, read Consistency) (Result, error)

	// Write applies w to the record under key if w.If holds, as one step.
	Write(ctx context.Context, key string, w Write) (Result, error)

	// Scan reads one page of records, in any order. It costs what reading the
	// whole table costs, spread over the pages.
	Scan(ctx context.Context, q Query) (Page, error)

	// Info says what the store is. It asks nobody and never fails.
	Info() Info
}

// A TableCreator is a Store whose table has to be made before it is used.
type TableCreator interface {
	// CreateTable makes the table, or leaves it as it is if it exists, and
	// waits until it can be used.
	CreateTable(ctx context.Context, opts TableOptions) error
}

// TableOptions are the choices that a table offers.
type TableOptions struct {
	DeletionProtection bool              // refuse DeleteTable until switched off; default off
	WithoutTTL         bool              // leave the table's item expiry as it is; default: switch it on
	Tags               map[string]string // default none
}

// Consistency says how fresh a read must be.
type Consistency bool

// An Eventual read may show an older state and costs half of a Consistent one.
const (
	Eventual   Consistency = false
	Consistent Consistency = true
)

// A Write is one conditional step on one record.
type Write struct {
	If     Condition
	Do     []Change // in any order; no two touch the same attribute
	Delete bool     // remove the record; Do is empty then
}

// A Result is a store's answer about one key.
type Result struct {
	Applied bool       // Write only: the condition held and the change was made
	Record  *Record    // the record now; nil: there is none
	Time    TimeBounds // may be set on an error too

	Units     float64 // capacity that the store charged for it; 0: nothing is known
	Estimated bool    // Units were not reported but estimated
}

// TimeBounds is when, on the store's clock, it wrote its answer. The zero
// value means that the answer did not tell.
type TimeBounds struct{ Earliest, Latest time.Time }

// Known reports whether the answer told its time.
func (b TimeBounds) Known() bool { return !b.Earliest.IsZero() }

// Info describes a store.
type Info struct {
	// Scope names the place that keys belong to, such as a table's name. It is
	// written into handles and bound into encrypted data.
	Scope string
	// ClockMargin is how far the clocks behind TimeBounds may disagree.
	ClockMargin time.Duration
}

// A Query asks for a page of records.
type Query struct {
	Prefix     string // keys that begin so; empty: all
	After      string // Page.Next of the page before; empty: from the start
	Limit      int    // most records to read for this page; 0: as many as the store likes
	Consistent bool
}

// A Page is one page of a Scan. It may be empty and still not be the last.
type Page struct {
	Items []Item
	Next  string // empty: this was the last page
	Time  TimeBounds
	Units float64 // as of a Result
}

// An Item is one key of a page.
type Item struct {
	Key    string
	Record *Record // nil if Err is set
	Err    error   // matches ErrMalformed: something else wrote this item
}
