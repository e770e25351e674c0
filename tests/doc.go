// Package tests holds those tests of the root module that need more than the
// root may depend on: a proxy that breaks real connections, and a library of
// ciphers. A module of its own keeps these dependencies out of the go.mod that
// users of the library see.
package tests
