// Package hook lets this project's own tests, simulator and benchmarks replace
// what a client takes from its surroundings. It is no part of the API: users
// have nothing to set here.
package hook
