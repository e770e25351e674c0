// Package guard holds the rules of this repository that a compiler does not
// check, as tests: which package may import which, documentation, length of
// files and functions, examples, what tests may do, links and code in Markdown,
// and the go.mod files.
//
// Each file has one kind of rule: a function from files to findings, a test
// that wants no finding in the checkout, and a test that wants findings in
// something bad. Beside Go files, they look at every text file of the
// checkout, tracked by git or not.
//
// Exceptions are comments with a reason, beside what they excuse:
//
//	//guard:long reason    above a function, or above a file's package clause
//	// real time: reason   on a time.Sleep of a test, or on the line above
//	// fake time: reason   on one in a helper that only bubbles call
package guard
