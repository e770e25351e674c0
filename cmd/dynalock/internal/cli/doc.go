// Package cli is the dynalock command as a function of its arguments, streams
// and environment: [Main]. One file holds one command; what several share is in
// the files named after it (store, exit, text, json ...).
//
// Results go to stdout and everything said to a person to stderr. A handle or
// stored data appears only where it was asked for. JSON is versioned and only
// grows: see json.go.
package cli
