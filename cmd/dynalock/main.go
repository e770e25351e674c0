// Dynalock runs a command while it holds a distributed lock, and does by hand
// what the library of that name does: take, release, look at and force locks,
// in a file on this machine or in a DynamoDB table.
//
//	dynalock run nightly -- ./report.sh
//	dynalock run --store dynamodb:locks nightly -- ./report.sh
//
// docs/cli.md describes every command.
package main

import (
	"os"

	"github.com/kmdeveloping/dynalock/cmd/dynalock/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.System()))
}
