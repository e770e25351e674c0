// Package wiretest is a wire between an SDK client and a real DynamoDB engine
// that loses, delays, refuses and swallows what a test tells it to.
//
// A [Wire] is the client's http.RoundTripper. It knows what each request is for
// (its step: an acquire, a renewal, a release ...) by the attributes that it
// changes, so a test can name the one request that is to fail, and it keeps a
// log of every request, so a test can count what a call costs. Without rules it
// passes everything on.
//
// Faults that wait do so for a [Gate], which the test opens, and not for a
// while: a test that sleeps is slow on a fast machine and wrong on a slow one.
package wiretest
