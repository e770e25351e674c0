// Package tests holds those tests of the root module that need more than the
// root may depend on. A module of its own keeps these dependencies out of the
// go.mod that users of the library see.
package tests

import _ "github.com/kmdeveloping/dynalock/lockstore" // ties the module to the root until tests are here
