// Package checkout knows the modules of this repository: what is released, and
// what only tests and builds it.
package checkout
