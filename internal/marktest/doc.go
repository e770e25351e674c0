// Package marktest finds out whether something that is to stay secret shows in
// what a program prints: in errors, log lines, events and formatted values, as
// it is, in hex, in base64 or as a list of numbers.
package marktest
